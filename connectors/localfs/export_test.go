package localfs

// SetPage makes pages small, so that a test needs few files for many of them.
func (c *Connector) SetPage(entries int) { c.page = entries }
