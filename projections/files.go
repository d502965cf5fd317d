package projections

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// upsertFiles writes any number of files, each at most once (else SQLSTATE
// 21000). A removed one stays as a tombstone: its (run, seq) turns away late
// duplicates and goes into the event id should the file come back. No file is
// ever handed from one source to another (I10).
const upsertFiles = `
	INSERT INTO files (` + fileNames + `)
	SELECT u.file_id, u.source_id, u.owner_id, u.run, u.seq, u.path, u.path_key, u.path_raw, u.item_id, u.kind, u.revision,
		u.sha256, u.size, u.pack, u.pack_offset, u.pack_length, u.language, u.media_type, u.web_url, u.author_ref, u.provider_time,
		u.attributes, u.removed, u.change, u.job_id, u.log_offset, u.event_id, u.changed_at, $29::int
	FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bytea[], $8::bytea[], $9::text[],
			$10::text[], $11::text[], $12::bytea[], $13::bigint[], $14::text[], $15::bigint[], $16::bigint[], $17::text[], $18::text[],
			$19::text[], $20::text[], $21::timestamptz[], $22::jsonb[], $23::bool[], $24::text[], $25::uuid[], $26::bigint[],
			$27::uuid[], $28::timestamptz[])
		AS u(file_id, source_id, owner_id, run, seq, path, path_key, path_raw, item_id, kind, revision, sha256, size, pack,
			pack_offset, pack_length, language, media_type, web_url, author_ref, provider_time, attributes, removed, change,
			job_id, log_offset, event_id, changed_at)
	ON CONFLICT (file_id) DO UPDATE
	SET run = EXCLUDED.run, seq = EXCLUDED.seq, path = EXCLUDED.path, path_key = EXCLUDED.path_key, path_raw = EXCLUDED.path_raw,
		item_id = EXCLUDED.item_id, kind = EXCLUDED.kind, revision = EXCLUDED.revision, sha256 = EXCLUDED.sha256,
		size = EXCLUDED.size, pack = EXCLUDED.pack, pack_offset = EXCLUDED.pack_offset, pack_length = EXCLUDED.pack_length,
		language = EXCLUDED.language, media_type = EXCLUDED.media_type, web_url = EXCLUDED.web_url,
		author_ref = EXCLUDED.author_ref, provider_time = EXCLUDED.provider_time, attributes = EXCLUDED.attributes,
		removed = EXCLUDED.removed, change = EXCLUDED.change, job_id = EXCLUDED.job_id, partition = EXCLUDED.partition,
		log_offset = EXCLUDED.log_offset, event_id = EXCLUDED.event_id, changed_at = EXCLUDED.changed_at
	WHERE files.source_id = EXCLUDED.source_id AND (files.run, files.seq) < (EXCLUDED.run, EXCLUDED.seq)`

// writeFiles writes the files of b in the order of the log, which is that of the
// index of paths for a listing. Two writers could wait for each other only over
// files that events of two partitions claim; Postgres refuses one of them then,
// which tries again.
func writeFiles(ctx context.Context, tx pgx.Tx, p *partition, b *batch) error {
	all := b.filesInOrder()
	fresh, rest := b.apart(all)
	if len(fresh) >= copiedFrom {
		copied, err := copyFiles(ctx, tx, p, b, fresh)
		if err != nil {
			return err
		}
		if copied {
			all = rest
		}
	}
	return writeOver(ctx, tx, p, b, all)
}

// writeOver writes files that may have rows.
func writeOver(ctx context.Context, tx pgx.Tx, p *partition, b *batch, files []fileOf) error {
	if len(files) == 0 {
		return nil
	}
	c, types := newCells(len(fileTypes())), fileTypes()
	for _, at := range files {
		if err := addFile(c, &b.records[at.record], b.sourceNow(at.source).Owner); err != nil {
			return fmt.Errorf("files: %w", err)
		}
	}
	last := binary.BigEndian.AppendUint32(nil, uint32(p.number)) //nolint:gosec // the bits of an int
	return exec(ctx, tx, "upsert files", upsertFiles, append(c.arrays(len(files), types), last))
}
