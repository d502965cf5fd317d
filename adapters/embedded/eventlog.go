package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
)

const (
	logFolder = "log"
	portName  = "log.port"
)

// startLog starts the broker on the log of dir.
func (s *Servers) startLog(ctx context.Context, dir string, o Options) error {
	data := filepath.Join(dir, logFolder)
	size, err := checkBudget(data, o.MemoryBudget)
	if err != nil {
		return err
	}
	port, err := logPort(dir, o.KafkaPort)
	if err != nil {
		return err
	}
	opts := []kfake.Opt{
		kfake.ClusterID("data-connector"),
		kfake.Ports(port), // one: the second broker of a cluster would share its disk
		kfake.ListenFn(listener(ctx, o.KafkaPort != 0)),
		kfake.DataDir(data),
		// The default is 7 days, for each topic that does not say otherwise.
		kfake.BrokerConfigs(map[string]string{"log.retention.ms": "-1"}),
		kfake.WithLogger(brokerLog{ctx: context.WithoutCancel(ctx), log: o.Log}),
	}
	if !o.NoFsync {
		opts = append(opts, kfake.SyncWrites()) // I5: acknowledged is on the disk
	}
	broker, err := kfake.NewCluster(opts...)
	if err != nil {
		return fmt.Errorf("start the log: %w", err)
	}
	s.stops = append(s.stops, func() error { broker.Close(); return nil })
	s.KafkaBootstrap = broker.ListenAddrs()
	o.Log.InfoContext(ctx, "log started", "address", s.KafkaBootstrap[0], "bytes", size)
	return keepLogPort(dir, s.KafkaBootstrap[0])
}

// logPort is fixed, or the port of the last run, or 0.
func logPort(dir string, fixed int) (int, error) {
	if fixed != 0 {
		return fixed, nil
	}
	raw, err := os.ReadFile(filepath.Join(dir, portName))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("port of the log: %w", err)
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 16)
	if err != nil {
		return 0, nil // a file without meaning: any port will do
	}
	return int(port), nil
}

func keepLogPort(dir, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		err = writeFile(filepath.Join(dir, portName), []byte(port+"\n"))
	}
	if err != nil {
		return fmt.Errorf("keep the port of the log: %w", err)
	}
	return nil
}

// listener listens on loopback, whatever it is asked for. Where the port is not
// fixed and someone else has it, it takes another one.
func listener(ctx context.Context, fixed bool) func(network, address string) (net.Listener, error) {
	return func(_, address string) (net.Listener, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
		if err == nil || fixed {
			return l, err
		}
		return lc.Listen(ctx, "tcp4", "127.0.0.1:0")
	}
}

// A brokerLog takes what the broker has to say about trouble.
type brokerLog struct {
	ctx context.Context
	log *slog.Logger
}

// Logf implements kfake.Logger.
func (b brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	if level > kfake.LogLevelWarn {
		return
	}
	at := slog.LevelWarn
	if level == kfake.LogLevelError {
		at = slog.LevelError
	}
	b.log.Log(b.ctx, at, "log server", "message", fmt.Sprintf(format, args...))
}
