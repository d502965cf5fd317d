package bitbucket

import "net/url"

// SetPage lets pages of the API be small, so that a few items have a middle.
func (c *Connector) SetPage(n int) { c.page = n }

// SetCloud puts Bitbucket Cloud somewhere else.
func (c *Connector) SetCloud(web *url.URL) {
	c.cloudWeb, c.cloudAPI = web, web.JoinPath("2.0/")
}
