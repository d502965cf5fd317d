package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of one connection.
const (
	headerTimeout = 10 * time.Second // to send the request line and headers
	idleTimeout   = 2 * time.Minute  // between requests
	writeTimeout  = time.Minute      // for a whole reply; content has its own rule
	drainTime     = 15 * time.Second // for open requests when the server stops
	maxHeader     = 64 << 10         // bytes of request headers
)

// Serve answers requests on l until ctx ends, then lets open requests finish for
// a while and returns nil. It closes l.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	stop := make(chan struct{})
	server := &http.Server{
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.WithoutCancel(ctx), stoppingKey, (<-chan struct{})(stop))
		},
		Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, WriteTimeout: writeTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(func() { close(stop) })
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("httpapi: serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("httpapi: requests still open after %s: %w", drainTime, err), server.Close())
	}
	return nil
}
