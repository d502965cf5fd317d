package pipeline_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// A gatedFeed hands out its messages once it may.
type gatedFeed struct {
	feed
	open <-chan struct{}
}

func (f gatedFeed) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		select {
		case <-f.open:
		case <-ctx.Done():
			return
		}
		for _, m := range f.messages {
			select {
			case out <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// A replay brings a state of a file after the stage has taken a newer one, of which
// the tables do not know yet, and while it takes another one: neither is taken back.
func TestReplayTakesNothingBack(t *testing.T) {
	t.Parallel()

	source, run := domain.SourceID{UUID: uuid.New()}, domain.RunID{UUID: uuid.New()}
	change := func(path string, seq int64, replay string) *message.Message {
		m := messageOf(t, domain.FileChanged{
			SourceID: source, OwnerID: "ann", FileID: domain.NewPathFileID(source, []byte(strings.TrimRight(path, "0123456789")), 0), JobID: domain.JobID{UUID: uuid.New()},
			RunID: run, Run: 1, Seq: seq, Change: domain.FileModified, FileState: domain.FileState{Path: path, Kind: domain.KindFile, Revision: "r"},
		})
		if replay != "" {
			m.Metadata[wire.HeaderReplay] = replay
		}
		return m
	}
	both := make(chan struct{}) // closed once the stage was asked for both new ones
	news := 0
	s := &stage{limits: pipeline.Limits{Items: 1}, answer: func(batch []string) error {
		if strings.HasSuffix(batch[0], "9") {
			if news++; news == 2 {
				close(both) // it takes this one while the replay comes
			}
		}
		return nil
	}}
	r := &reports{done: make(chan struct{}), want: 3}
	d := &pipeline.Dispatcher{
		Stage: s, Live: pipeline.Feed{Topic: "events", Subscriber: feed{[]*message.Message{change("quick9", 9, ""), change("slow9", 10, "")}}},
		Again: pipeline.Feed{Topic: "replay", Subscriber: gatedFeed{feed{[]*message.Message{change("slow1", 1, "r"), change("quick1", 2, "r"), change("other1", 3, "r")}}, both}},
		Dead:  r, DeadTopic: "dead", Reports: r,
		Sources: func(context.Context, domain.SourceID) (domain.Source, error) { return domain.Source{ID: source}, nil },
		States: func(context.Context, string, domain.FileID) (domain.Revised, bool, error) { // the tables are behind
			return domain.Revised{}, false, nil
		},
		Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Parallel: 4,
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	select {
	case <-r.done:
	case <-time.After(20 * time.Second):
		t.Fatal("not all are reported")
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := strings.Join(s.taken, " "); strings.Contains(got, "slow1") || strings.Contains(got, "quick1") || !strings.Contains(got, "other1") {
		t.Errorf("the stage has taken %s: a replay took something back", got)
	}
}
