package pipeline_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// troubles are what may become of a first try, and whether the neighbour may have what
// it brought.
func troubles() map[string]struct {
	err     error
	repeats bool
} {
	return map[string]struct {
		err     error
		repeats bool
	}{
		"no trouble":              {nil, false},
		"cut":                     {fmt.Errorf("ask: %w", io.ErrUnexpectedEOF), true},
		"gave up as it took long": {&net.OpError{Op: "read", Err: errors.New("i/o timeout")}, true},
		"nobody there":            {fmt.Errorf("ask: %w", &net.OpError{Op: "dial", Err: errors.New("connection refused")}), false},
		"failed":                  {&pipeline.StatusError{Status: http.StatusInternalServerError}, false},
		"come later":              {&pipeline.LaterError{Err: &pipeline.StatusError{Status: http.StatusTooManyRequests}}, false},
		"a gateway gave up":       {&pipeline.StatusError{Status: http.StatusGatewayTimeout}, true},
		"our own":                 {pipeline.Own(errors.New("no database")), false},
		"half of it is there":     {&pipeline.FateError{Err: &pipeline.StatusError{Status: http.StatusServiceUnavailable}, MayHave: true}, true},
		"it is not there":         {&pipeline.FateError{Err: io.ErrUnexpectedEOF}, false},
	}
}

// What is asked for again when no answer has come is counted, and marked in the report
// of its outcome; what the neighbour does not have for sure is not.
func TestRepeatsAreCountedAndMarked(t *testing.T) {
	t.Parallel()

	for _, most := range []int{1, 3} {
		for name, tt := range troubles() {
			t.Run(fmt.Sprintf("%s, at most %d", name, most), func(t *testing.T) {
				t.Parallel()

				first := tt.err
				s := &stage{limits: pipeline.Limits{Items: most, Wait: time.Second}, answer: func([]string) error {
					err := first
					first = nil
					return err
				}}
				reported, r := dispatch(t, s, 3)
				want := 0
				for _, one := range reported {
					if one.Repeated {
						want++
					}
				}
				if got := int(r.repeats.Load()); got != want || (got > 0) != tt.repeats || got > most || tt.repeats && most == 3 && got != 3 {
					t.Errorf("got %d counted and %d marked, want them marked: %v", got, want, tt.repeats)
				}
			})
		}
	}
}

// So it is with events of sources.
func TestRepeatsOfSourceEventsAreCounted(t *testing.T) {
	t.Parallel()

	source := domain.SourceID{UUID: uuid.New()}
	for name, tt := range troubles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			m := messageOf(t, domain.SourceChanged{SourceID: source, OwnerID: "ann", Provider: "localfs", Change: domain.SourcePaused, Version: 1, At: time.Now().UTC()})
			m.Metadata[wire.HeaderReplay] = uuid.NewString() // of what is new there is no report
			r := &reports{done: make(chan struct{}), want: 1}
			run(t, &shakySourceStage{err: tt.err}, source, r, r, m)
			if got := r.repeats.Load() == 1; got != tt.repeats {
				t.Errorf("got %d counted, want it counted: %v", r.repeats.Load(), tt.repeats)
			}
		})
	}
}

// A shakySourceStage gives an error once.
type shakySourceStage struct {
	stage
	err error
}

func (s *shakySourceStage) HandleSource(context.Context, pipeline.SourceHandover) error {
	err := s.err
	s.err = nil
	return err
}

// A poster posts each change to a neighbour, one after the other.
type poster struct {
	client *pipeline.Client
	body   string
	mu     sync.Mutex
}

func (p *poster) Name() string            { return "test" }
func (p *poster) Limits() pipeline.Limits { return pipeline.Limits{Items: 1} }

func (p *poster) Handle(ctx context.Context, batch []pipeline.Handover) ([]pipeline.Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return []pipeline.Outcome{{}}, p.client.Post(ctx, pipeline.Request{Path: "/", Key: batch[0].ID.String(), Type: "text/plain", Body: []byte(p.body)}, nil)
}

// A request that is cut on a connection that was used before is sent again at once, by
// the client itself: that counts too.
func TestRepeatsOfTheClientAreCounted(t *testing.T) {
	t.Parallel()

	const all = 6
	for name, body := range map[string]string{"small": "small", "large": strings.Repeat("large", 10_000)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := crude(t, func(_ int, c net.Conn, in *bufio.Reader) { // answers the first, and takes the second
				if request(in) {
					_, _ = io.WriteString(c, noContent)
				}
				request(in)
			})
			source := domain.SourceID{UUID: uuid.New()}
			r := &reports{done: make(chan struct{}), want: all}
			run(t, &poster{client: c, body: body}, source, r, r, changes(t, source, all)...)
			if n, trouble := r.repeats.Load(), r.trouble.Load(); n != all-1 || trouble > 0 {
				t.Errorf("got %d repeats and %d troubles, want all but the first sent twice", n, trouble)
			}
		})
	}
}
