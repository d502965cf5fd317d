package domain

// Counts are the ledger of a job, over all its runs: files that it looked at and
// what became of them.
type Counts struct {
	Listed   int64 `json:"listed,omitempty"`   // items the provider named, after the filters
	Excluded int64 `json:"excluded,omitempty"` // items the filters left out
	Added    int64 `json:"added,omitempty"`
	Modified int64 `json:"modified,omitempty"`
	Renamed  int64 `json:"renamed,omitempty"`
	Removed  int64 `json:"removed,omitempty"`
	Metadata int64 `json:"metadata,omitempty"`
	Failed   int64 `json:"failed,omitempty"` // items that could not be read
	Held     int64 `json:"held,omitempty"`   // deletes held by the valve (I8)
	Bytes    int64 `json:"bytes,omitempty"`  // of content stored, uncompressed
}

// Add counts one change of a file.
func (c *Counts) Add(change FileChange) {
	switch change {
	case FileAdded:
		c.Added++
	case FileModified:
		c.Modified++
	case FileRenamed:
		c.Renamed++
	case FileRemoved:
		c.Removed++
	case FileMetadata:
		c.Metadata++
	}
}

// Changes is how many files changed.
func (c Counts) Changes() int64 { return c.Added + c.Modified + c.Renamed + c.Removed + c.Metadata }

// Totals are what a source holds.
type Totals struct {
	Files int64 `json:"files"` // live ones
	Bytes int64 `json:"bytes"` // of their content, uncompressed
}

// An ItemFailure says why one item could not be read. The item is tried again by
// the next sync.
type ItemFailure struct {
	Path   string `json:"path"`   // UTF-8 without NUL
	Code   string `json:"code"`   // "unreadable", "changing", "too_large", "not_regular", ...
	Reason string `json:"reason"` // for people
}
