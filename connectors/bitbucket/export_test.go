package bitbucket

// SetPage lets pages of the API be small, so that a few items have a middle.
func (c *Connector) SetPage(n int) { c.page = n }
