package main

// figures are all, the cheap ones first. A new one is a file figure_<name>.go and
// a line here.
func figures() []figure {
	return []figure{
		queueFigure(),
		appendPagesFigure(),
		appendHintsFigure(),
		projectorFigure(),
		rebuildFigure(),
		savedFileFigure(),
		listFilesFigure(),
		firstSyncFigure(),
		secondSyncFigure(),
		memoryFigure(),
	}
}
