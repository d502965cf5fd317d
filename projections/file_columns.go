package projections

import (
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// fileNames are the columns of files in the order of [addFile], and last the
// partition, which all rows of a batch share.
const fileNames = `file_id, source_id, owner_id, run, seq, path, path_key, path_raw, item_id, kind, revision,
	sha256, size, pack, pack_offset, pack_length, language, media_type, web_url, author_ref, provider_time, attributes,
	removed, change, job_id, log_offset, event_id, changed_at, partition`

// fileTypes are the types of these columns without the last one.
func fileTypes() []uint32 {
	const id, text, number, bytes, time = pgtype.UUIDOID, pgtype.TextOID, pgtype.Int8OID, pgtype.ByteaOID, pgtype.TimestamptzOID
	return []uint32{
		id, id, text, number, number, text, bytes, bytes, text, text, text,
		bytes, number, text, number, number, text, text, text, text, time, pgtype.JSONBOID,
		pgtype.BoolOID, text, id, number, id, time,
	}
}

// addFile adds the state of a file that rec carries, a FileChanged. The owner is
// that of the source, not as the event claims.
func addFile(c *cells, rec *domain.Record, owner domain.OwnerID) error {
	e := rec.Event.(domain.FileChanged) // fold put no other here
	attributes := "{}"
	if len(e.Attributes) > 0 {
		var err error
		if attributes, err = jsonText(e.Attributes); err != nil {
			return err
		}
	}
	c.id(e.FileID.UUID)
	c.id(e.SourceID.UUID)
	c.text(string(owner))
	c.int8(e.Run)
	c.int8(e.Seq)
	c.text(e.Path)
	if e.PathRaw != nil {
		c.bytes(e.PathRaw) // path_key
	} else {
		c.text(e.Path)
	}
	c.bytes(e.PathRaw)
	c.text(e.ItemID)
	c.text(string(e.Kind))
	c.text(e.Revision)
	addContent(c, e.Content)
	c.text(e.Language)
	c.text(e.MediaType)
	c.text(e.WebURL)
	c.text(e.AuthorRef)
	c.time(e.ProviderTime)
	c.jsonb(attributes)
	c.bool(e.Change == domain.FileRemoved)
	c.text(string(e.Change))
	c.id(e.JobID.UUID)
	c.int8(rec.Position.Offset)
	c.id(eventID(rec))
	c.time(eventTime(rec).Time)
	return nil
}

// addContent adds the claim check, which is not there when there are no bytes.
func addContent(c *cells, check *domain.ClaimCheck) {
	if check == nil {
		for range 5 {
			c.null()
		}
		return
	}
	c.bytes(check.SHA256[:])
	c.int8(check.Size)
	c.text(check.Ref.Pack)
	c.int8(check.Ref.Offset)
	c.int8(check.Ref.Length)
}
