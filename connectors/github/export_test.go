package github

// SetPage lets pages of the API be small, so that a few items have a middle.
func (c *Connector) SetPage(n int) { c.page = n }

// Place is where a source with a base URL is looked for.
func (c *Connector) Place(base string) ([]string, error) {
	p, err := c.place(options{BaseURL: base})
	if err != nil {
		return nil, err
	}
	return []string{p.web.String(), p.api.String(), p.graphql.String()}, nil
}
