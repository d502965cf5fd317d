package connectortest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/confuse/data-connector/domain"
)

var _ domain.Log = (*Log)(nil)

// A Log is a log in memory. Unless the fold is paused, what is appended is
// folded when Append returns.
type Log struct {
	journal *journal
	rows    *Rows
	watch   *watch

	mu        sync.Mutex
	records   [][]domain.Record // one slice a partition
	interrupt Interrupt
	after     func() // called once behind the next append, before its fold
}

// An Interrupt decides what becomes of an append: the first keep messages get on
// the log, and the append answers err. With a nil err all of them must be kept.
// Calls never overlap; it must not use the log.
type Interrupt func(messages []domain.Message) (keep int, err error)

func newLog(partitions int, j *journal) *Log {
	return &Log{journal: j, records: make([][]domain.Record, partitions)}
}

// Interrupt lets i decide on every append from now on; nil: none is interrupted.
func (l *Log) Interrupt(i Interrupt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interrupt = i
}

// CutAfter lets n more messages onto the log. Every append beyond them answers
// ErrUnknownFate, as if the process had died there, until [Log.Heal].
func (l *Log) CutAfter(n int) {
	l.Interrupt(func(messages []domain.Message) (int, error) {
		keep := min(n, len(messages))
		n -= keep
		if keep < len(messages) {
			return keep, fmt.Errorf("log cut by the test: %w", domain.ErrUnknownFate)
		}
		return keep, nil
	})
}

// LoseAnswer lets the n-th append from now on (the next one is 0) get onto the
// log whole but answer ErrUnknownFate.
func (l *Log) LoseAnswer(n int) {
	l.Interrupt(func(messages []domain.Message) (int, error) {
		n--
		if n == -1 {
			return len(messages), fmt.Errorf("answer lost by the test: %w", domain.ErrUnknownFate)
		}
		return len(messages), nil
	})
}

// AfterAppend calls f once, behind the next append that ends, or the one under way,
// and before it is folded. It may be called by an [Interrupt].
func (l *Log) AfterAppend(f func()) { l.after = f }

func (l *Log) takeAfter() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.after
	l.after = nil
	return f
}

// Heal ends every interruption.
func (l *Log) Heal() { l.Interrupt(nil) }

// Append implements domain.Log.
func (l *Log) Append(ctx context.Context, messages ...domain.Message) ([]domain.Position, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("append: %w: %w", domain.ErrUnavailable, err)
	}
	positions, err := l.put(messages)
	if after := l.takeAfter(); after != nil {
		after()
	}
	l.rows.fold()
	if err != nil {
		return nil, err
	}
	return positions, nil
}

func (l *Log) put(messages []domain.Message) ([]domain.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range messages {
		if int(m.Partition) >= len(l.records) || m.Partition < 0 {
			return nil, fmt.Errorf("append: no partition %d: %w", m.Partition, domain.ErrUnavailable)
		}
	}
	keep, err := len(messages), error(nil)
	if l.interrupt != nil {
		keep, err = l.interrupt(messages)
	}
	var positions []domain.Position
	for _, m := range messages[:keep] {
		l.watch.look(m)
		r := record(m, int64(len(l.records[m.Partition])))
		l.records[m.Partition] = append(l.records[m.Partition], r)
		l.journal.add(Step{Record: r})
		positions = append(positions, r.Position)
	}
	return positions, err
}

func record(m domain.Message, offset int64) domain.Record {
	return domain.Record{
		Topic: "memory", Position: domain.Position{Partition: m.Partition, Offset: offset},
		Headers: map[string]string{"ce_id": m.ID.String()}, Event: m.Event,
	}
}

// End implements domain.Log.
func (l *Log) End(_ context.Context, partition int32) (int64, error) {
	return int64(len(l.from(partition, 0))), nil
}

// Read gives the records of a partition from one offset up to another, exclusive.
func (l *Log) Read(_ context.Context, partition int32, from, to int64) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		for _, r := range l.from(partition, from) {
			if r.Position.Offset >= to || !yield(r, nil) {
				return
			}
		}
	}
}

// Partitions implements domain.Log.
func (l *Log) Partitions(context.Context) (int32, error) { return int32(len(l.records)), nil }

// Records are the events of a source, in the order of the log.
func (l *Log) Records(source domain.SourceID) []domain.Record {
	var found []domain.Record
	for p := range l.records {
		for _, r := range l.from(int32(p), 0) {
			if sourceOf(r.Event) == source {
				found = append(found, r)
			}
		}
	}
	return found
}

// Files are the FileChanged of a source, in the order of the log, whether they
// count or not.
func (l *Log) Files(source domain.SourceID) []domain.FileChanged {
	var found []domain.FileChanged
	for _, r := range l.Records(source) {
		if e, ok := r.Event.(domain.FileChanged); ok {
			found = append(found, e)
		}
	}
	return found
}

func (l *Log) from(partition int32, offset int64) []domain.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.records[partition][offset:])
}

func sourceOf(e domain.Event) domain.SourceID {
	switch e := e.(type) {
	case domain.SourceChanged:
		return e.SourceID
	case domain.FileChanged:
		return e.SourceID
	}
	return domain.SourceID{}
}
