package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/semaphore"

	"github.com/confuse/data-connector/domain"
)

// maxInFlight bounds the bytes that wait for the broker's answer.
const maxInFlight = 64 << 20

// errDataLoss is what an append in flight is told when the broker has forgotten
// this producer.
var errDataLoss = errors.New("the broker lost records of this producer that it had acknowledged")

// A Log is domain.Log on Kafka. Events of all callers share batches. Wiring
// makes two, one for hints and commands and one for pages: a record that fails
// takes those with it that wait behind it in its partition.
type Log struct {
	client *kgo.Client
	admin  *kadm.Client
	topics eventTopics
	log    *slog.Logger
	room   *semaphore.Weighted // bytes in flight
	losses atomic.Int64        // grows each time the broker is found to have lost records
	tracer trace.Tracer        // nil: no spans
	pages  sync.Pool           // of *page that nobody uses
}

var _ domain.Log = (*Log)(nil)

// NewLog makes a Log. It connects at the first use. Close ends it.
func NewLog(o Options) (*Log, error) {
	l := &Log{topics: o.Layout.eventTopics(), log: o.Log, room: semaphore.NewWeighted(maxInFlight), tracer: o.tracer()}
	client, err := kgo.NewClient(o.client(
		kgo.RequiredAcks(kgo.AllISRAcks()), // I5
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(o.codec()),
		kgo.ProducerLinger(o.Linger),
		kgo.MaxBufferedRecords(math.MaxInt32), // room bounds them, and never blocks half-way through an append
		kgo.ProducerOnDataLossDetected(l.lost),
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	l.client, l.admin = client, kadm.NewClient(client)
	return l, nil
}

// Close ends the connections. Appends that are in flight fail.
func (l *Log) Close() { l.client.Close() }

// Append keeps the contract of domain.Log. StageReported goes to the pipeline
// topic, all else to the events topic; positions are those of its topic. A
// message that has no wire form (domain.ErrTooLarge) is refused with all others
// of the call, before anything is written.
//
// When ctx ends, the answer is ErrUnknownFate at once; what is in flight may
// still be written, however late.
//
// With Options.Traces it is a span, which a message without a Trace carries on.
func (l *Log) Append(ctx context.Context, messages ...domain.Message) ([]domain.Position, error) {
	if l.tracer != nil && len(messages) > 0 {
		return l.traced(ctx, messages)
	}
	return l.append(ctx, "", messages)
}

// append is Append. trace is that of messages without one.
func (l *Log) append(ctx context.Context, trace string, messages []domain.Message) ([]domain.Position, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	p, err := l.page(trace, messages)
	if err != nil {
		return nil, fmt.Errorf("kafka: append: %w", err)
	}
	if err := ctx.Err(); err != nil {
		l.free(p)
		return nil, appendError(err, false)
	}
	room := min(p.size, maxInFlight)
	if err := l.room.Acquire(ctx, room); err != nil {
		l.free(p)
		return nil, appendError(fmt.Errorf("too much is in flight: %w", err), false)
	}
	losses := l.losses.Load()
	// The client fails all that waits in a partition when the context of one
	// record ends, so it is given one that does not.
	f := takeOff(context.WithoutCancel(ctx), l.client, p.records, func(err error) {
		l.room.Release(room)
		if err == nil {
			l.free(p)
		}
	})
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	if l.losses.Load() != losses {
		return nil, appendError(errDataLoss, true)
	}
	return f.at, nil
}

// lost is called by the client, which goes on as if nothing had happened.
func (l *Log) lost(topic string, partition int32) {
	l.losses.Add(1)
	l.log.ErrorContext(context.Background(), "broker lost acknowledged records", "topic", topic, "partition", partition, "err", errDataLoss)
}

// End is the offset behind the last event of a partition of the events topic.
func (l *Log) End(ctx context.Context, partition int32) (int64, error) {
	at := partitionName{l.topics.events, partition}
	end, err := listed(ctx, l.admin.ListEndOffsets, at)
	if err != nil {
		return 0, askError("end of "+at.String(), err)
	}
	return end, nil
}

// Partitions is how many partitions the events topic has now.
func (l *Log) Partitions(ctx context.Context) (int32, error) {
	_, n, err := metadata(ctx, l.client, l.topics.events)
	if err != nil {
		return 0, askError("partitions of "+l.topics.events, err)
	}
	return n, nil
}
