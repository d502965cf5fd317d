package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/notify"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

const several = "/?from=dc@example.org&to=ann@example.org,bob@example.org,cid@example.org"

// One recipient whom a mail server does not take keeps the message from no other one,
// and has no other one get it twice, however often it is sent again.
func TestMailToSeveral(t *testing.T) {
	t.Parallel()

	server := newMailServer(t)
	bob := "bob@example.org"
	server.refuses.Store(&bob)
	post := notify.NewPost(&notify.Sender{HTTP: rest.Guarded(nil), Clock: clock.System{}, Host: anywhere}, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- post.Run(ctx) }()
	target := service("smtp://" + server.addr + several)
	for n, want := range []string{"ann cid", "", "bob"} {
		if n == 2 {
			server.refuses.Store(nil)
		}
		err := post.Send(t.Context(), target, "1", message)
		if got := server.taken(); got != want {
			t.Errorf("time %d: %q have got it, want %q", n, got, want)
		}
		partly := new(ingest.PartlySentError)
		if n < 2 && (!errors.As(err, &partly) || !slices.Equal(partly.Reached, []int{0, 2}) || !errors.Is(err, domain.ErrTransient)) || n == 2 && err != nil {
			t.Fatalf("time %d: got %v", n, err)
		}
		target.Reached = partly.Reached
	}
	stop()
	<-ended
}

// Whom a notice has reached stands in its row: each recipient is told once that
// something began and once that it is over, through whatever trouble of the others.
func TestNotifierOfSeveral(t *testing.T) {
	t.Parallel()

	w, notifier, rules, _ := newWorld(t)
	sender := &notify.Sender{HTTP: rest.Guarded(nil), Clock: w, Host: anywhere}
	notifier.Sender, rules.Sender = sender, sender
	server := newMailServer(t)
	w.sources = []domain.Source{source(t, "ann", "docs"), source(t, "ann", "code")}
	if _, err := rules.Add(t.Context(), ingest.NotificationRule{Owner: "ann"}, service("smtp://"+server.addr+several)); err != nil {
		t.Fatal(err)
	}
	look := func(after time.Duration, refused, want string) {
		t.Helper()
		w.now = w.now.Add(after)
		if server.refuses.Store(&refused); refused == "" {
			server.refuses.Store(nil)
		}
		if err := notifier.Table.Exclusive(t.Context(), notifier.Once); err != nil {
			t.Fatal(err)
		}
		if got := server.taken(); got != want {
			t.Errorf("%s after noon: %q were told, want %q", w.now.Sub(noon), got, want)
		}
	}
	failure := &domain.Failure{Code: "internal", Message: "it broke"}
	trouble := map[domain.SourceID]ingest.Trouble{w.sources[0].ID: {Failed: true}}
	w.sources[0].Failure, w.troubles = failure, trouble
	look(0, "bob@example.org", "ann cid")
	look(time.Hour, "bob@example.org", "")
	w.sources[1].Held = &domain.Held{Count: 900} // another message, to all
	look(time.Hour, "bob@example.org", "ann cid")
	look(time.Hour, "", "bob") // both in one message: they have reached the same ones
	look(time.Hour, "", "")
	w.sources[0].Failure, w.troubles = nil, nil
	look(time.Hour, "ann@example.org", "bob cid")
	w.sources[0].Failure, w.troubles = failure, trouble // again, and some have heard that it was over
	look(time.Hour, "", "ann bob cid")
	w.sources[0].Failure, w.troubles = nil, nil
	look(time.Hour, "", "ann bob cid")
	look(time.Hour, "", "")
}
