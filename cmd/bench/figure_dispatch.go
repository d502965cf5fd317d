package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/webhook"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/domain"
)

const (
	dispatched    = 30_000
	dispatchLanes = 256
	callTime      = 5 * time.Millisecond                                 // that the neighbour takes for each
	benchSecret   = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" //nolint:gosec // of a receiver in this process
)

func dispatchFigure() figure {
	return figure{
		name: "dispatch",
		title: "Dispatch: 30,000 changes of files on the log, handed on by the webhook stage to a receiver that takes 5 ms for each, " +
			"at most 256 at once; each is signed, its fate goes to the log and its place is committed; the clock stops with the last request",
		reference: "Go's HTTP client alone: 256 goroutines, each signs and posts the same bodies to the same receiver, one after the other; or 256 calls in 5 ms, if that is less",
		note:      "Receiver and dispatcher share the processors.",
		measure:   dispatch,
	}
}

// A post is the log and the receiver of the figure.
type post struct {
	bench   *bench
	options kafka.Options
	story   *story
	ids     []string // of the events
	bodies  [][]byte // of the reference
	key     []byte   // signs
	server  *httptest.Server
	round   int

	taken atomic.Int64
	at    [2]atomic.Int64 // nanoseconds when a tenth, and all, were taken
	full  chan struct{}
	n     int // changes of files
	want  int // with those of the source, which only the stage hands on
}

func dispatch(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	c, err := b.servers.NewCorner(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	o, err := c.Kafka(ctx, 1, b.log)
	if err != nil {
		return nil, err
	}
	o.Linger = pageLinger
	p := &post{bench: b, options: o, n: b.scaled(dispatched)}
	if p.key, err = webhook.Key(benchSecret); err != nil {
		return nil, err
	}
	p.server = httptest.NewServer(p)
	defer p.server.Close()
	if err := p.fill(ctx); err != nil {
		return nil, err
	}
	value, ref, err := b.medians(ctx, p.ours, p.raw)
	ideal := float64(dispatchLanes) / callTime.Seconds()
	return []figures.Line{figures.AtLeast("dispatch", "changes/s", value, min(ref, ideal), 0.7), figures.Plain("dispatch_raw_client", "requests/s", ref)}, err
}

// fill puts the changes on the log.
func (p *post) fill(ctx context.Context) (err error) {
	if p.story, err = newStory(0, p.bench.clock.Now()); err != nil {
		return err
	}
	log, err := kafka.NewLog(p.options)
	if err != nil {
		return err
	}
	defer log.Close()
	files := p.story.files(p.n)
	if _, err := log.Append(ctx, p.story.begin...); err != nil {
		return err
	}
	for at := 0; at < len(files); at += pageEvents {
		if _, err := log.Append(ctx, files[at:min(at+pageEvents, len(files))]...); err != nil {
			return err
		}
	}
	for _, m := range files {
		body, err := pipeline.Encode(webhook.Payload{
			Type: webhook.TypeFile, Timestamp: m.Time, Data: m.Event, Source: &webhook.Source{ID: p.story.source.ID, Name: p.story.source.Name,
				Provider: p.story.source.Provider, ExternalKey: p.story.source.ExternalKey},
		})
		if err != nil {
			return err
		}
		p.ids, p.bodies = append(p.ids, m.ID.String()), append(p.bodies, body)
	}
	return nil
}

// ServeHTTP takes one change.
func (p *post) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the sender may be gone
	<-p.bench.clock.After(callTime)
	p.count()
	w.WriteHeader(http.StatusNoContent)
}

func (p *post) count() {
	switch n := p.taken.Add(1); int(n) {
	case p.want - p.n + p.n/10:
		p.at[0].Store(p.bench.clock.Now().UnixNano())
	case p.want:
		p.at[1].Store(p.bench.clock.Now().UnixNano())
		close(p.full)
	}
}

// begin forgets what was taken. So many requests are to come.
func (p *post) begin(want int) {
	p.want = want
	p.taken.Store(0)
	p.full = make(chan struct{})
	p.round++
}

// rate is that of all but the first tenth, in which connections are made and a
// group is joined.
func (p *post) rate() float64 {
	return rate(p.n-p.n/10, time.Duration(p.at[1].Load()-p.at[0].Load()))
}

// ours is the stage as the service wires it, but for the tables: it is told what
// they would say.
func (p *post) ours(ctx context.Context) (float64, error) {
	p.begin(p.n + len(p.story.begin))
	log, err := kafka.NewLog(p.options)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	dead, err := kafka.NewPublisher(p.options)
	if err != nil {
		return 0, err
	}
	defer dead.Close() //nolint:errcheck // nothing is published
	stage, err := webhook.New(pipeline.Client{URL: p.server.URL, HTTP: pipeline.HTTPClient(dispatchLanes)}, benchSecret, p.bench.clock)
	if err != nil {
		return 0, err
	}
	d := &pipeline.Dispatcher{
		Stage: stage, Live: pipeline.Feed{Topic: p.options.Layout.Events(), Subscriber: kafka.NewSubscriber(p.options, kafka.SubscriberOptions{
			Group: fmt.Sprintf("%s-%d", p.options.Layout.Prefix, p.round), Lanes: pipeline.LanesPerCall * dispatchLanes, Runs: p.runs, Sources: true,
		})},
		Dead: dead, DeadTopic: p.options.Layout.Dead(), Reports: log, Clock: p.bench.clock, Log: p.bench.log, Parallel: dispatchLanes,
		Sources: func(context.Context, domain.SourceID) (domain.Source, error) { return p.story.source, nil },
	}
	run, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- d.Run(run) }()
	select {
	case <-p.full:
	case err := <-ended:
		return 0, err
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		return 0, err
	}
	return p.rate(), ctx.Err()
}

// runs is kafka.Runs.
func (p *post) runs(context.Context, int32, int64, int64) (kafka.RunsBetween, error) {
	run := domain.Run{ID: p.story.source.RunID, Started: int64(len(p.story.begin)) - 1, Ended: -1}
	return kafka.RunsBetween{Runs: map[domain.SourceID][]domain.Run{p.story.source.ID: {run}}}, nil
}

// raw is the reference.
func (p *post) raw(ctx context.Context) (float64, error) {
	p.begin(p.n)
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = dispatchLanes, dispatchLanes
	client := &http.Client{Transport: transport}
	defer client.CloseIdleConnections()
	group, work := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range dispatchLanes {
		group.Go(func() error {
			for n := next.Add(1); n <= int64(len(p.bodies)); n = next.Add(1) {
				if err := p.send(work, client, p.ids[n-1], p.bodies[n-1]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return p.rate(), err
}

func (p *post) send(ctx context.Context, client *http.Client, id string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.server.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	at := strconv.FormatInt(p.bench.clock.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(pipeline.HeaderKey, id)
	req.Header.Set(webhook.HeaderID, id)
	req.Header.Set(webhook.HeaderTimestamp, at)
	req.Header.Set(webhook.HeaderSignature, webhook.Sign(p.key, id, at, body))
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, resp.Body) // the status is the answer
	return resp.Body.Close()
}
