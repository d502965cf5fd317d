package kafka_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	watermill "github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/adapters/kafka"
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
