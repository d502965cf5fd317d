package kafka_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	watermill "github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
)

// A call that does not heed its context does not hold up the end of a subscription for
// longer than it may take. It is not answered: what it had comes again.
func TestServeGivesUp(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.Log = quiet()
		topic := w.Layout.Replay()
		w.publish(t, topic)
		own := kafka.SubscriberOptions{Group: w.Layout.Prefix, Lanes: 4, Window: 100, Grace: 50 * time.Millisecond}
		s := kafka.NewSubscriber(w.Options, own)
		called, release := make(chan struct{}, laneKeys*lanesPerKey), make(chan struct{})
		ended := make(chan error, 1)
		var returned atomic.Int32
		go func() {
			ended <- s.Serve(context.WithoutCancel(t.Context()), topic, func(*watermill.Message) error {
				called <- struct{}{}
				<-release
				returned.Add(1)
				return nil
			})
		}()
		<-called
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was closed", err)
		}
		if n := returned.Load(); n > 0 {
			t.Errorf("%d calls have returned", n)
		}
		close(release)
		if lag := w.lag(t, topic); lag != -1 {
			t.Errorf("got a lag of %d, want a group that has committed nothing", lag)
		}
		if err := s.Serve(t.Context(), topic, nil); !errors.Is(err, kafka.ErrClosed) {
			t.Errorf("got %v of a subscriber that was closed", err)
		}
	})
}

// Who reads the truth and has lost its place is told so, and which group it is: to go on
// elsewhere would leave something out.
func TestServeLosesItsPlace(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.Log = quiet()
		topic, group := w.Layout.Events(), w.Layout.Prefix
		at := kadm.Offsets{}
		at.Add(kadm.Offset{Topic: topic, Partition: 0, At: 1000, LeaderEpoch: -1}) // the log ends before
		if err := w.admin.CommitAllOffsets(t.Context(), group, at); err != nil {
			t.Fatal(err)
		}
		s := kafka.NewSubscriber(w.Options, kafka.SubscriberOptions{
			Group: group, Runs: func(context.Context, int32, int64, int64) (kafka.RunsBetween, error) { return kafka.RunsBetween{}, nil },
		})
		err := s.Serve(soon(t), topic, func(*watermill.Message) error { return nil })
		if !errors.Is(err, domain.ErrLogLost) || !strings.Contains(err.Error(), strconv.Quote(group)) {
			t.Errorf("got %v, want %v of group %s", err, domain.ErrLogLost, group)
		}
	})
}
