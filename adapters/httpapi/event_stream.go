package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

const (
	eventStream     = "text/event-stream"
	lastEventHeader = "Last-Event-ID"

	heartbeat  = 15 * time.Second // between signs of life, below what proxies cut off
	streamTime = 30 * time.Minute // then the client comes back and shows its key again
	maxStreams = 16               // open at once per owner
)

// wantsStream reports whether the caller asks for server-sent events.
func wantsStream(accept string) bool {
	for media := range strings.SplitSeq(accept, ",") {
		name, _, _ := strings.Cut(media, ";")
		if strings.EqualFold(strings.TrimSpace(name), eventStream) {
			return true
		}
	}
	return false
}

// startOf is the offset at which a stream of source begins.
func startOf(source domain.Source, from int64, last string) (int64, error) {
	if last == "" {
		return from, nil
	}
	p, err := domain.ParsePosition(last)
	if err != nil || p.Partition != source.Partition {
		return 0, &domain.InvalidError{Field: lastEventHeader, Problem: "is not of this source's events", Allowed: "the id of an event of an earlier answer"}
	}
	return p.Offset + 1, nil
}

// A stream is one open answer.
type stream struct {
	s      *Server
	out    *pacedWriter
	source domain.Source
	next   int64 // offset behind the last record that was looked at
}

// sendStream sends the events of source from the offset from on, and goes on with
// those that come, until the client goes, the source is being removed, the server
// stops or streamTime is over. Its status is sent at once.
func (s *Server) sendStream(w http.ResponseWriter, r *http.Request, source domain.Source, from int64) {
	done, ok := s.streams.open(source.Owner)
	if !ok {
		e := newErrorReply(http.StatusTooManyRequests, "RATE_LIMITED", fmt.Sprintf("at most %d streams of one owner are open at once", maxStreams))
		s.refuse(w, r, e.after(heartbeat))
		return
	}
	defer done()
	w.Header().Set("Content-Type", eventStream)
	w.Header().Set("X-Accel-Buffering", "no") // nginx
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return
	}
	st := &stream{s: s, out: newPacedWriter(w, http.StatusOK), source: source, next: from}
	if err := st.run(r.Context()); err != nil && r.Context().Err() == nil {
		st.fail(r.Context(), err)
	}
}

// fail tells the client why its stream ends, as far as it may know.
func (st *stream) fail(ctx context.Context, err error) {
	body, _ := json.Marshal(st.s.problem(ctx, err)) // texts and a map of texts always marshal
	_, _ = fmt.Fprintf(st.out, "event: error\ndata: %s\n\n", body)
}

// A logged is what the log gave.
type logged struct {
	record domain.Record
	err    error
}

func (st *stream) run(ctx context.Context) error {
	if _, err := st.out.Write([]byte(": events\n\n")); err != nil {
		return nil //nolint:nilerr // the client has gone
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	records := pump(ctx, st.s.Events.Read(ctx, st.source.Partition, st.next, math.MaxInt64))
	beat, end := st.s.Clock.After(heartbeat), st.s.Clock.After(streamTime)
	for {
		select {
		case l, open := <-records:
			if !open {
				return ctx.Err()
			}
			if last, err := st.take(l); last || err != nil {
				return err
			}
		case <-beat:
			if err := st.beat(); err != nil {
				return nil //nolint:nilerr // the client has gone
			}
			beat = st.s.Clock.After(heartbeat)
		case <-end:
			return nil
		case <-stopping(ctx):
			return nil
		}
	}
}

// pump gives what records yields over a channel, until ctx ends.
func pump(ctx context.Context, records iter.Seq2[domain.Record, error]) <-chan logged {
	out := make(chan logged)
	go func() {
		defer close(out)
		for record, err := range records {
			select {
			case out <- logged{record, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// take sends one record if it is of the source; true: it is the last one.
func (st *stream) take(l logged) (bool, error) {
	if l.err != nil {
		if errors.Is(l.err, domain.ErrLogLost) {
			return true, &domain.InvalidError{Field: "from", Problem: "is not on the log", Allowed: "next or the id of an earlier answer"}
		}
		return true, l.err
	}
	st.next = l.record.Position.Offset + 1
	change, ok := changeOf(l.record.Event, st.source.ID)
	if !ok {
		return false, nil
	}
	data, err := json.Marshal(newEventReply(l.record, change))
	if err != nil {
		return true, err
	}
	if _, err := fmt.Fprintf(st.out, "id: %s\ndata: %s\n\n", l.record.Position, data); err != nil {
		return true, nil //nolint:nilerr // the client has gone
	}
	return change == string(domain.SourceRemovalRequested), nil // I10: the source is unknown from here on
}

// beat shows that the stream lives. Its id moves the place where the client will
// resume, so that it need not look at others' events again.
func (st *stream) beat() error {
	sign := ": heartbeat\n\n"
	if st.next > 0 {
		sign = fmt.Sprintf(": heartbeat\nid: %s\n\n", domain.Position{Partition: st.source.Partition, Offset: st.next - 1})
	}
	_, err := st.out.Write([]byte(sign))
	return err
}
