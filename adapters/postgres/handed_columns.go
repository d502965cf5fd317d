package postgres

import (
	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// columns are items as arrays.
type columns struct {
	ids, sources, files      []uuid.UUID
	owners, paths, revisions []string
	runs, seqs               []int64
	digests                  [][]byte
}

func columnsOf(items []domain.HandedItem) (c columns) {
	for _, i := range items {
		digest := []byte{}
		if !i.Digest.IsZero() {
			digest = i.Digest[:]
		}
		c.ids, c.sources, c.files = append(c.ids, i.ID), append(c.sources, i.SourceID.UUID), append(c.files, i.FileID.UUID)
		c.owners, c.paths, c.revisions = append(c.owners, string(i.OwnerID)), append(c.paths, i.Path), append(c.revisions, i.Revision)
		c.runs, c.seqs, c.digests = append(c.runs, i.At.Run), append(c.seqs, i.At.Seq), append(c.digests, digest)
	}
	return c
}
