package kafka

import (
	"crypto/tls"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"go.opentelemetry.io/otel/trace"
)

// Options are what all parts of this package need. Brokers and Log are required.
type Options struct {
	Brokers  []string // host:port, any of the cluster
	Layout   Layout
	ClientID string         // as brokers log it; empty: the client's own
	TLS      *tls.Config    // nil: without
	SASL     sasl.Mechanism // nil: without

	Linger      time.Duration // how long a Log waits for more records; 0: not at all. For pages, a few milliseconds
	Compression Compression   // of what a Log writes; empty: LZ4

	Log    *slog.Logger
	Traces trace.TracerProvider // of appends; nil: no spans are made
	Extra  []kgo.Opt            // come last: hooks for metrics
}

// A Compression is how batches are compressed on the log.
type Compression string

// The compressions. Every Kafka client of today reads both, except that Node's
// needs a codec for Zstd.
const (
	LZ4  Compression = "lz4"
	Zstd Compression = "zstd"
)

const (
	// A new leader or topic is seen at the next look at the metadata, and looks
	// are at least this far apart.
	metadataMinAge = time.Second
	// Partitions that an operator added are seen after at most this time.
	metadataMaxAge = time.Minute
)

// client are the options of every client, with those of one kind.
func (o Options) client(kind ...kgo.Opt) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.MetadataMaxAge(metadataMaxAge),
		kgo.DisableClientMetrics(), // ours go out by Prometheus, not through the broker
		kgo.WithLogger(clientLog{o.Log}),
	}
	if o.ClientID != "" {
		opts = append(opts, kgo.ClientID(o.ClientID))
	}
	if o.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(o.TLS))
	}
	if o.SASL != nil {
		opts = append(opts, kgo.SASL(o.SASL))
	}
	return slices.Concat(opts, kind, o.Extra)
}

// fastZstd is the level of zstd that takes two thirds of the processor's time of the
// usual one, for batches of the same size.
const fastZstd = 1

func (o Options) codec() kgo.CompressionCodec {
	if o.Compression == Zstd {
		return kgo.ZstdCompression().WithLevel(fastZstd)
	}
	return kgo.Lz4Compression()
}
