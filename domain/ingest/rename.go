package ingest

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"path"

	"github.com/confuse/data-connector/domain"
)

// moved is the file that a new item was before: of the vanished ones in a
// re-listing; in a feed the one at the path that the connector names, if the page
// says that it is gone from there.
func (s *resolution) moved(item domain.Item, got fetched) (domain.File, bool, error) {
	var hinted *domain.File
	if f, ok := s.at(item.MovedFrom); ok && item.MovedFrom != nil && !bytes.Equal(item.MovedFrom, item.Path) {
		hinted = &f
	}
	if s.gone == nil {
		if hinted == nil || !s.deletes[string(item.MovedFrom)] {
			return domain.File{}, false, nil
		}
		return *hinted, true, nil
	}
	var digest domain.Digest
	if got.staged != nil {
		digest = got.staged.Digest()
	}
	return s.gone.claim(item, digest, hinted)
}

// claim finds the vanished file that item is: the one at the path that the
// connector names, else one with its content or revision, the one with the same
// base name first.
func (v *vanished) claim(item domain.Item, digest domain.Digest, hinted *domain.File) (domain.File, bool, error) {
	if hinted != nil {
		if f, ok, err := v.claimFile(*hinted); ok || err != nil {
			return f, ok, err
		}
	}
	for _, key := range listedKeys(item, digest) {
		best, nth, err := v.best(key, item, digest)
		if err != nil {
			return domain.File{}, false, err
		}
		if nth >= 0 {
			v.take(key, nth)
			return best, true, nil
		}
	}
	return domain.File{}, false, nil
}

// claimFile claims f itself, if it has vanished.
func (v *vanished) claimFile(f domain.File) (domain.File, bool, error) {
	for _, key := range keysOf(f.Content, f.Revision) {
		for nth := range v.candidates(key) {
			l, err := v.files.at(v.offsets[nth])
			if err != nil {
				return f, false, err
			}
			if l.File.ID == f.ID {
				v.take(key, nth)
				return l.File, true, nil
			}
		}
	}
	return f, false, nil
}

func (v *vanished) best(key uint64, item domain.Item, digest domain.Digest) (best domain.File, nth int, err error) {
	nth = -1
	looked := 0
	for i := range v.candidates(key) {
		if looked++; looked > maxCandidates {
			break
		}
		l, err := v.files.at(v.offsets[i])
		if err != nil {
			return best, -1, err
		}
		if !sameThing(l.File, item, digest) {
			continue // only the first bytes of the key agree
		}
		if sameBase := path.Base(string(item.Path)) == path.Base(l.File.Path); sameBase || nth < 0 {
			best, nth = l.File, i
			if sameBase {
				break
			}
		}
	}
	return best, nth, nil
}

func sameThing(f domain.File, item domain.Item, digest domain.Digest) bool {
	if digest.IsZero() {
		digest = item.Digest
	}
	if f.Content == nil || item.Bodiless {
		return f.Content == nil && item.Bodiless && f.Revision == item.Version
	}
	return !digest.IsZero() && f.Content.SHA256 == digest || item.Version != "" && f.Revision == item.Version
}

// keysOf are the keys by which content and revision are found.
func keysOf(content *domain.ClaimCheck, revision string) []uint64 {
	var keys []uint64
	if content != nil {
		keys = append(keys, digestKey(content.SHA256))
		if revision == content.SHA256.String() {
			return keys
		}
	}
	if revision != "" {
		keys = append(keys, revisionKey(revision))
	}
	return keys
}

func digestKey(d domain.Digest) uint64 { return binary.BigEndian.Uint64(d[:8]) }

func revisionKey(revision string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(revision)) // a hash never fails
	return h.Sum64()
}

func listedKeys(item domain.Item, digest domain.Digest) []uint64 {
	if digest.IsZero() {
		digest = item.Digest
	}
	var keys []uint64
	if !digest.IsZero() {
		keys = append(keys, digestKey(digest))
	}
	if item.Version != "" {
		keys = append(keys, revisionKey(item.Version))
	}
	return keys
}
