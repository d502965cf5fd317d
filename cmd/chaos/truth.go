package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/domain"
)

// A judgement says what became of a source.
type judgement struct {
	files    int              // of the tree
	wrong    int              // rows that differ from the tree, lack or are too many
	repeated int              // FileChanged that count and are not the one that adds the file
	ignored  int              // FileChanged of runs that were not current
	claims   int              // sync_started
	complete int              // sync_completed that count
	kept     map[string]int64 // bytes that events name which count, by pack
	heard    map[string]bool  // ids of the events that are hints
}

// lines are the figures of every judgement.
func (j judgement) lines(name string) []figures.Line {
	return []figures.Line{
		figures.Exactly(name+"_wrong_rows", "rows", float64(j.wrong), 0),
		figures.Exactly(name+"_repeated", "events", float64(j.repeated), 0),
	}
}

// judge compares tree, rows and log, and lets the service compare its tables with
// a rebuild.
func (s *scene) judge(ctx context.Context) (judgement, error) {
	j := judgement{kept: map[string]int64{}, heard: map[string]bool{}}
	tree, err := walk(s.tree)
	if err != nil {
		return j, err
	}
	j.files = len(tree)
	var partition int32
	err = s.query(ctx, func(db *pgx.Conn) (err error) {
		if err := db.QueryRow(ctx, `SELECT partition FROM read.sources WHERE source_id = $1`, s.source).Scan(&partition); err != nil {
			return err
		}
		j.wrong, err = compareRows(ctx, db, s.source, tree)
		return err
	})
	if err != nil {
		return j, err
	}
	if err := s.readLog(ctx, partition, &j); err != nil {
		return j, err
	}
	return j, s.verb(ctx, "rebuild", "--verify")
}

// walk gives the digest of every file below root.
func walk(root string) (map[string]string, error) {
	tree := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		sum := sha256.Sum256(content)
		tree[name] = fmt.Sprint(len(content), " ", hex.EncodeToString(sum[:]))
		return err
	})
	return tree, err
}

// compareRows counts the rows that are not as in tree.
func compareRows(ctx context.Context, db *pgx.Conn, source string, tree map[string]string) (wrong int, err error) {
	rows, err := db.Query(ctx, `SELECT path, size::text || ' ' || encode(sha256, 'hex') FROM read.files WHERE source_id = $1 AND NOT removed`, source)
	if err != nil {
		return 0, err
	}
	var path, fact string
	seen := map[string]bool{}
	_, err = pgx.ForEachRow(rows, []any{&path, &fact}, func() error {
		if tree[path] != fact || seen[path] {
			wrong++
		}
		seen[path] = true
		return nil
	})
	return wrong + max(0, len(tree)-len(seen)), errors.Join(err, rows.Err())
}

// readLog folds the log by itself and counts what is on it.
func (s *scene) readLog(ctx context.Context, partition int32, j *judgement) error {
	_, options, err := s.at()
	if err != nil {
		return err
	}
	reader := kafka.NewReader(options)
	id, err := domain.ParseSourceID(s.source)
	if err != nil {
		return err
	}
	l := ledger{judgement: j, source: id, added: map[domain.FileID]bool{}}
	end, err := kafka.NewLog(options)
	if err != nil {
		return err
	}
	defer end.Close()
	to, err := end.End(ctx, partition)
	if err != nil {
		return err
	}
	for rec, err := range reader.Read(ctx, partition, 0, to) {
		if err != nil {
			return err
		}
		l.take(rec)
	}
	return nil
}

// A ledger counts the events of one source.
type ledger struct {
	*judgement
	source domain.SourceID
	fold   domain.Source
	added  map[domain.FileID]bool
}

func (l *ledger) take(rec domain.Record) {
	switch e := rec.Event.(type) {
	case domain.SourceChanged:
		if e.SourceID == l.source {
			l.changed(e, rec)
		}
	case domain.FileChanged:
		if e.SourceID == l.source {
			l.file(e)
		}
	}
}

func (l *ledger) changed(e domain.SourceChanged, rec domain.Record) {
	if e.Hint != nil {
		l.heard[rec.Headers["ce_id"]] = true
	}
	if e.Change == domain.SourceSyncStarted {
		l.claims++
	}
	if e.Change == domain.SourceSyncCompleted && l.fold.Counts(e.RunID) {
		l.complete++
	}
	l.fold, _ = l.fold.Apply(e, rec.Position.Offset)
}

func (l *ledger) file(e domain.FileChanged) {
	switch {
	case !l.fold.Counts(e.RunID):
		l.ignored++
		return
	case e.Change != domain.FileAdded || l.added[e.FileID]:
		l.repeated++
	}
	l.added[e.FileID] = true
	if e.Content != nil {
		l.kept[e.Content.Ref.Pack] += e.Content.Ref.Length
	}
}
