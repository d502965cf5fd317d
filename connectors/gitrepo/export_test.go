package gitrepo

// SetPage makes pages small, so that a test needs few files for many of them.
func (c *Client) SetPage(changes int) { c.page = changes }

// SetPacks lets a repository have few packs before it is compacted.
func (c *Client) SetPacks(most int) { c.packs = most }

// CheckVersion is what Check says of a version.
func CheckVersion(version string) error { return checkVersion(version) }

// SetConfine lets limits be set otherwise.
func (c *Client) SetConfine(confine func(o Options, pid int) error) { c.confine = confine }
