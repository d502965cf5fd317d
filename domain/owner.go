package domain

// A Caller is who asks: the owner whose sources they may see (I10) and what they
// may do with them.
type Caller struct {
	Owner  OwnerID
	Rights []Right // empty: everything
}

// A Right is a right of an API key.
type Right string

// The rights of an API key.
const (
	MayRead  Right = "read"  // every GET
	MayWrite Right = "write" // everything else
)

// May reports whether c holds the right r.
func (c Caller) May(r Right) bool {
	if len(c.Rights) == 0 {
		return true
	}
	for _, s := range c.Rights {
		if s == r {
			return true
		}
	}
	return false
}
