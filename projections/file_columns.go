package projections

import (
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// fileNames are the columns of files in the order of [fileColumns.values].
const fileNames = `file_id, source_id, owner_id, run, seq, path, path_key, path_raw, item_id, kind, revision,
	sha256, size, pack, pack_offset, pack_length, language, media_type, web_url, author_ref, provider_time, attributes,
	removed, change, job_id, log_offset, event_id, changed_at, partition`

// fileColumns are rows of files, one slice a column.
type fileColumns struct {
	file, source, job, event                           [][16]byte
	owner, path, item, kind, revision, language, media []string
	url, author, attributes, change                    []string
	key, raw, digest                                   [][]byte
	removed                                            []bool
	pack                                               []pgtype.Text
	run, seq, offset                                   []int64
	size, packOffset, packLength                       []pgtype.Int8
	provided, changed                                  []pgtype.Timestamptz
}

func newFileColumns(n int) *fileColumns {
	ids, texts := func() [][16]byte { return make([][16]byte, 0, n) }, func() []string { return make([]string, 0, n) }
	blobs, numbers := func() [][]byte { return make([][]byte, 0, n) }, func() []int64 { return make([]int64, 0, n) }
	nullable, times := func() []pgtype.Int8 { return make([]pgtype.Int8, 0, n) }, func() []pgtype.Timestamptz { return make([]pgtype.Timestamptz, 0, n) }
	return &fileColumns{
		file: ids(), source: ids(), job: ids(), event: ids(),
		owner: texts(), path: texts(), item: texts(), kind: texts(), revision: texts(), language: texts(), media: texts(),
		url: texts(), author: texts(), attributes: texts(), change: texts(),
		key: blobs(), raw: blobs(), digest: blobs(), removed: make([]bool, 0, n), pack: make([]pgtype.Text, 0, n),
		run: numbers(), seq: numbers(), offset: numbers(),
		size: nullable(), packOffset: nullable(), packLength: nullable(),
		provided: times(), changed: times(),
	}
}

func (c *fileColumns) add(rec *domain.Record, owner domain.OwnerID) error {
	e := rec.Event.(domain.FileChanged) // fold put no other here
	attributes := "{}"
	if len(e.Attributes) > 0 {
		var err error
		if attributes, err = jsonText(e.Attributes); err != nil {
			return err
		}
	}
	c.file, c.source = append(c.file, e.FileID.UUID), append(c.source, e.SourceID.UUID)
	c.job, c.event = append(c.job, e.JobID.UUID), append(c.event, eventID(rec))
	c.owner, c.path, c.raw = append(c.owner, string(owner)), append(c.path, e.Path), append(c.raw, e.PathRaw)
	c.item, c.kind, c.revision = append(c.item, e.ItemID), append(c.kind, string(e.Kind)), append(c.revision, e.Revision)
	c.language, c.media = append(c.language, e.Language), append(c.media, e.MediaType)
	c.url, c.author = append(c.url, e.WebURL), append(c.author, e.AuthorRef)
	c.attributes, c.change = append(c.attributes, attributes), append(c.change, string(e.Change))
	c.key, c.removed = append(c.key, e.RawPath()), append(c.removed, e.Change == domain.FileRemoved)
	c.run, c.seq, c.offset = append(c.run, e.Run), append(c.seq, e.Seq), append(c.offset, rec.Position.Offset)
	c.provided, c.changed = append(c.provided, nullTime(e.ProviderTime)), append(c.changed, eventTime(rec))
	c.content(e.Content)
	return nil
}

// content adds the claim check, which is not there when there are no bytes.
func (c *fileColumns) content(check *domain.ClaimCheck) {
	var digest []byte
	var pack pgtype.Text
	var size, offset, length pgtype.Int8
	if check != nil {
		digest = check.SHA256[:]
		pack = pgtype.Text{String: check.Ref.Pack, Valid: true}
		size = pgtype.Int8{Int64: check.Size, Valid: true}
		offset = pgtype.Int8{Int64: check.Ref.Offset, Valid: true}
		length = pgtype.Int8{Int64: check.Ref.Length, Valid: true}
	}
	c.digest, c.pack, c.size = append(c.digest, digest), append(c.pack, pack), append(c.size, size)
	c.packOffset, c.packLength = append(c.packOffset, offset), append(c.packLength, length)
}

// values are the columns in the order of fileNames.
func (c *fileColumns) values(partition int32) []any {
	times := func(t []pgtype.Timestamptz) pgtype.FlatArray[pgtype.Timestamptz] { return t }
	numbers := func(n []pgtype.Int8) pgtype.FlatArray[pgtype.Int8] { return n }
	blobs := func(b [][]byte) pgtype.FlatArray[[]byte] { return b }
	return []any{
		c.file, c.source, c.owner, c.run, c.seq, c.path, blobs(c.key), blobs(c.raw), c.item, c.kind, c.revision,
		blobs(c.digest), numbers(c.size), pgtype.FlatArray[pgtype.Text](c.pack), numbers(c.packOffset), numbers(c.packLength),
		c.language, c.media, c.url, c.author, times(c.provided), c.attributes,
		c.removed, c.change, c.job, c.offset, c.event, times(c.changed), partition,
	}
}
