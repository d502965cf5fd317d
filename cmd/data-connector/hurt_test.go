package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/connectors/localfs"
	"github.com/confuse/data-connector/domain"
)

// faultyCloud is a variable of a child: where it finds Bitbucket Cloud.
const faultyCloud = "TEST_BITBUCKET_CLOUD"

// runChild is the command of this process, with the faults that its environment asks
// for.
func runChild() int {
	h, err := faulty(os.Getenv(faults.Planned), os.Getenv(faults.Via))
	if at := os.Getenv(faultyCloud); err == nil && at != "" {
		h.cloud, err = url.Parse(at)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err) // the exit code tells as well
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := newCommand(stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}, os.Environ(), h)
	return c.execute(ctx, os.Args[1:])
}

// faulty are hooks that follow a plan; both may be empty.
func faulty(plan, via string) (h hooks, err error) {
	if via != "" {
		h.kafka = append(h.kafka, kgo.Dialer(func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, via)
		}))
	}
	if plan == "" {
		return h, nil
	}
	p, err := faults.Parse(plan, os.Stderr)
	if err != nil {
		return h, err
	}
	h.pages, h.hints, h.inbox, h.relay, h.packs, h.point = p.Pages, p.Hints, p.Inbox, p.Relay, p.Packs, p.Named
	h.local = func(c *localfs.Connector) domain.Connector { return noticed{c} }
	h.now = func(base domain.Clock) domain.Clock { return p.Clock(base) }
	return h, nil
}

// A noticed is the connector of local folders, with webhooks: the first line of
// a delivery is the path of a folder, its id stands in a header. A service that can be hurt has
// it, so that deliveries need no forge.
type noticed struct{ *localfs.Connector }

// Verify implements domain.WebhookParser.
func (noticed) Verify(http.Header, []byte, []domain.Secret, time.Time) error { return nil }

// Parse implements domain.WebhookParser.
func (noticed) Parse(h http.Header, body []byte) (domain.Delivery, error) { //nolint:unparam // the interface has it
	folder, _, _ := strings.Cut(string(body), "\n")
	return domain.Delivery{ID: h.Get(faults.Delivery), Event: "changed", Notices: []domain.Notice{{ExternalKey: folder}}}, nil
}
