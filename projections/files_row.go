package projections

import (
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// A FileRow is a file with what happened to it last.
type FileRow struct {
	domain.File
	Change    domain.FileChange
	ChangedAt time.Time // of that event; zero when it has none
}

const fileRow = `f.file_id, f.source_id, f.owner_id, f.run, f.seq, f.removed, f.item_id, f.path, f.path_raw, f.kind, f.revision,
	f.sha256, f.size, f.pack, f.pack_offset, f.pack_length, f.language, f.media_type, f.web_url, f.author_ref,
	f.provider_time, f.attributes, f.change, f.changed_at`

// head is what the index of paths holds of a path. Ordering by it and then by the
// whole path is the byte order of the paths.
const (
	head      = `substring(f.path_key FROM 1 FOR 1024)`
	headBytes = 1024
)

func scanFile(row pgx.CollectableRow) (domain.File, error) {
	f, err := scanFileRow(row)
	return f.File, err
}

func scanFileRow(row pgx.CollectableRow) (FileRow, error) {
	var (
		f                    FileRow
		digest, attributes   []byte
		size, offset, length pgtype.Int8
		pack                 pgtype.Text
		provided, changed    pgtype.Timestamptz
	)
	err := row.Scan((*[16]byte)(&f.ID.UUID), (*[16]byte)(&f.SourceID.UUID), (*string)(&f.OwnerID), &f.At.Run, &f.At.Seq, &f.Removed,
		&f.ItemID, &f.Path, &f.PathRaw, (*string)(&f.Kind), &f.Revision, &digest, &size, &pack, &offset, &length,
		&f.Language, &f.MediaType, &f.WebURL, &f.AuthorRef, &provided, &attributes, (*string)(&f.Change), &changed)
	if err != nil {
		return f, err
	}
	f.ProviderTime, f.ChangedAt = utc(provided), utc(changed)
	if digest != nil {
		f.Content = &domain.ClaimCheck{
			SHA256: domain.Digest(digest), Size: size.Int64,
			Ref: domain.PackRef{Pack: pack.String, Offset: offset.Int64, Length: length.Int64},
		}
	}
	f.Attributes = map[string]string{}
	if len(attributes) > len("{}") {
		err = json.Unmarshal(attributes, &f.Attributes)
	}
	return f, err
}

// headOf is the head of a path.
func headOf(path []byte) []byte { return path[:min(len(path), headBytes)] }
