package main

import (
	"time"

	"github.com/confuse/data-connector/domain"
)

// rawUpsert writes rows as plainly as can be: arrays in, rows out.
const rawUpsert = `
	INSERT INTO raw_files (file_id, source_id, owner_id, run, seq, path, path_key, item_id, kind, revision, sha256, size, pack,
		pack_offset, pack_length, language, media_type, web_url, author_ref, provider_time, attributes, removed, change, job_id,
		partition, log_offset, event_id, changed_at)
	SELECT file_id, source_id, owner_id, run, seq, path, convert_to(path, 'UTF8'), '', kind, revision, sha256, size, pack,
		pack_offset, pack_length, language, media_type, '', '', at, '{}', false, change, job_id, 0, seq, event_id, at
	FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::bytea[],
		$10::bigint[], $11::text[], $12::bigint[], $13::bigint[], $14::text[], $15::text[], $16::text[], $17::uuid[], $18::uuid[],
		$19::timestamptz[])
		AS u(file_id, source_id, owner_id, run, seq, path, kind, revision, sha256, size, pack, pack_offset, pack_length,
			language, media_type, change, job_id, event_id, at)
	ON CONFLICT (file_id) DO UPDATE SET run = EXCLUDED.run, seq = EXCLUDED.seq, path = EXCLUDED.path, path_key = EXCLUDED.path_key,
		kind = EXCLUDED.kind, revision = EXCLUDED.revision, sha256 = EXCLUDED.sha256, size = EXCLUDED.size, pack = EXCLUDED.pack,
		pack_offset = EXCLUDED.pack_offset, pack_length = EXCLUDED.pack_length, language = EXCLUDED.language,
		media_type = EXCLUDED.media_type, change = EXCLUDED.change, event_id = EXCLUDED.event_id, changed_at = EXCLUDED.changed_at
	WHERE (raw_files.run, raw_files.seq) < (EXCLUDED.run, EXCLUDED.seq)`

// rawColumns are the parameters of rawUpsert for FileChanged of new files.
func rawColumns(messages []domain.Message) []any {
	var files, sources, jobs, events [][16]byte
	var owners, paths, kinds, revisions, packs, languages, media, changes []string
	var digests [][]byte
	var runs, seqs, sizes, offsets, lengths []int64
	var times []time.Time
	for _, m := range messages {
		e, ok := m.Event.(domain.FileChanged)
		if !ok {
			continue
		}
		files, sources, jobs, events = append(files, e.FileID.UUID), append(sources, e.SourceID.UUID), append(jobs, e.JobID.UUID), append(events, m.ID.UUID)
		owners, paths, kinds, revisions = append(owners, string(e.OwnerID)), append(paths, e.Path), append(kinds, string(e.Kind)), append(revisions, e.Revision)
		packs, languages, media = append(packs, e.Content.Ref.Pack), append(languages, e.Language), append(media, e.MediaType)
		changes, digests = append(changes, string(e.Change)), append(digests, e.Content.SHA256[:])
		runs, seqs, sizes = append(runs, e.Run), append(seqs, e.Seq), append(sizes, e.Content.Size)
		offsets, lengths = append(offsets, e.Content.Ref.Offset), append(lengths, e.Content.Ref.Length)
		times = append(times, m.Time)
	}
	return []any{
		files, sources, owners, runs, seqs, paths, kinds, revisions, digests, sizes, packs, offsets, lengths, languages, media,
		changes, jobs, events, times,
	}
}
