package wire

import "github.com/confuse/data-connector/domain"

// A Fold tells which events of files count (I3), to a reader that gives it all
// records of a partition from the first one on. Its zero value is ready. It keeps
// a few hundred bytes for each source. It may not be used concurrently.
type Fold struct {
	sources map[domain.SourceID]domain.Source
}

// Next folds the record at offset. It gives the event of a file that counts; false:
// the record is another one. A file's event whose (run, seq) is not above the last
// one of the file is a repeat, which the reader leaves out.
//
// An error is that of [Decode]. After one about a SourceChanged (IsSourceChanged)
// nothing is known of what counts in its source.
func (f *Fold) Next(headers map[string]string, value []byte, offset int64) (domain.FileChanged, bool, error) {
	event, err := Decode(headers, value)
	switch e := event.(type) {
	case domain.SourceChanged:
		if f.sources == nil {
			f.sources = make(map[domain.SourceID]domain.Source)
		}
		f.sources[e.SourceID], _ = f.sources[e.SourceID].Apply(e, offset)
	case domain.FileChanged:
		return e, f.sources[e.SourceID].Counts(e.RunID), nil
	}
	return domain.FileChanged{}, false, err
}
