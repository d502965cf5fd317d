package localfs

// FlushNotes writes what a connector has read and holds, as the next listing does.
func (c *Connector) FlushNotes(cache string) { c.notes.flush(cache) }

// SetPage makes pages small, so that a test needs few files for many of them.
func (c *Connector) SetPage(entries int) { c.page = entries }

// SetWatches lets a Watch watch few folders, as a machine that allows no more.
func (c *Connector) SetWatches(folders int) { c.watches = folders }
