package main

// catalogue is all figures, the cheap ones first. A new one is a file figure_<name>.go and
// a line here.
func catalogue() []figure {
	return []figure{
		queueFigure(),
		appendPagesFigure(),
		appendHintsFigure(),
		webhooksFigure(),
		webhookMemoryFigure(),
		dispatchFigure(),
		projectorFigure(),
		rebuildFigure(),
		replayScanFigure(),
		replayLatestFigure(),
		replayLiveFigure(),
		savedFileFigure(),
		forgePushFigure(),
		listFilesFigure(),
		firstSyncFigure(),
		forgeFirstSyncFigure(),
		secondSyncFigure(),
		memoryFigure(),
	}
}
