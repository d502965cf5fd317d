package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/pipeline/webhook"
	"github.com/confuse/data-connector/domain"
)

const takerSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" //nolint:gosec // of a receiver in this process

// A taker takes the changes of files that the webhook stage sends, while it is up.
type taker struct {
	addr string

	mu      sync.Mutex
	server  *http.Server
	taken   map[domain.FileID][]domain.Revised // first arrivals, in their order
	seen    map[string]bool
	repeats int
}

func newTaker(ctx context.Context) (*taker, error) {
	t := &taker{addr: "127.0.0.1:0", taken: map[domain.FileID][]domain.Revised{}, seen: map[string]bool{}}
	return t, t.up(ctx)
}

func (t *taker) url() string { return "http://" + t.addr }

// up listens, after down at the same address.
func (t *taker) up(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", t.addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: t, ReadHeaderTimeout: time.Minute}
	t.mu.Lock()
	t.addr, t.server = listener.Addr().String(), server
	t.mu.Unlock()
	go func() { _ = server.Serve(listener) }() // until it is closed
	return nil
}

// down cuts all connections and listens no more.
func (t *taker) down() {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.server.Close() // nothing is left of it anyway
}

// ServeHTTP implements http.Handler.
func (t *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p struct {
		Type string
		Data json.RawMessage
	}
	var file domain.FileChanged
	err := json.NewDecoder(r.Body).Decode(&p)
	if err == nil && p.Type == webhook.TypeFile {
		err = json.Unmarshal(p.Data, &file)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if id := r.Header.Get(webhook.HeaderID); t.seen[id] {
		t.repeats++
	} else if t.seen[id] = true; p.Type == webhook.TypeFile {
		t.taken[file.FileID] = append(t.taken[file.FileID], file.Revised())
	}
	w.WriteHeader(http.StatusNoContent)
}

// judge counts the changes that are missing, and those out of their order. The
// changes are as they stand on the log.
func (t *taker) judge(changes []domain.FileChanged) (wrong int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := map[domain.FileID]int{}
	for _, e := range changes {
		n := next[e.FileID]
		if taken := t.taken[e.FileID]; n >= len(taken) || taken[n] != e.Revised() {
			wrong++
		}
		next[e.FileID] = n + 1
	}
	return wrong
}

// outcomes are the changes of files on the log, and how many dead letters there are.
func (o *outageOf) outcomes(ctx context.Context) (changes []domain.FileChanged, letters int, err error) {
	var partition int32
	err = o.query(ctx, func(db *pgx.Conn) error {
		err := db.QueryRow(ctx, `SELECT partition FROM read.sources WHERE source_id = $1`, o.source).Scan(&partition)
		if err != nil {
			return err
		}
		return db.QueryRow(ctx, `SELECT count(*) FROM read.file_stages WHERE state = 'failed'`).Scan(&letters)
	})
	if err != nil {
		return nil, 0, err
	}
	_, options, err := o.at()
	if err != nil {
		return nil, 0, err
	}
	reader := kafka.NewReader(options)
	ends, err := reader.Ends(ctx)
	if err != nil {
		return nil, 0, err
	}
	for rec, err := range reader.Read(ctx, partition, 0, ends[partition]) {
		if err != nil {
			return nil, 0, err
		}
		if e, ok := rec.Event.(domain.FileChanged); ok {
			changes = append(changes, e)
		}
	}
	return changes, letters, nil
}

// reported tells whether the last state of each file is reported as done.
func (o *outageOf) reported(ctx context.Context) (all bool) {
	err := o.query(ctx, func(db *pgx.Conn) error {
		return db.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM read.files f LEFT JOIN read.file_stages st ON st.file_id = f.file_id AND st.stage = 'webhook'
			WHERE st.state IS DISTINCT FROM 'done' OR (st.run, st.seq) <> (f.run, f.seq))`).Scan(&all)
	})
	return err == nil && all
}
