package domain

// A Caller is who asks: the owner whose sources they may see (I10) and what they
// may do with them.
type Caller struct {
	Owner  OwnerID
	Rights []Right // empty: everything
	KeyID  string  // of the API key that showed it; empty: known in another way
}

// A Right is a right of an API key.
type Right string

// The rights of an API key.
const (
	MayRead    Right = "read"    // every GET, but for those of MayOperate
	MayWrite   Right = "write"   // everything else that is the owner's
	MayOperate Right = "operate" // what is no owner's: runs, projections, poison
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
