package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
)

// portTries bounds how often another process may take the port between our look
// and the server's.
const portTries = 3

// serve starts the server and waits until it is ready.
func (c *cluster) serve(ctx context.Context) (*Server, error) {
	var s *Server
	for range portTries {
		port, err := freePort(ctx, c.Port)
		if err != nil {
			return nil, err
		}
		s, err = c.launch(ctx, port)
		if err == nil {
			return s, nil
		}
		if _, taken := freePort(ctx, port); taken == nil || c.Port != 0 {
			return nil, err // the port was not the trouble
		}
	}
	return nil, fmt.Errorf("%d free ports were taken by others before the server had them", portTries)
}

// launch starts the server on port; nothing of it is left after an error.
func (c *cluster) launch(ctx context.Context, port int) (*Server, error) {
	args := []string{
		"-c", "listen_addresses=127.0.0.1", "-c", "port=" + strconv.Itoa(port), "-c", "unix_socket_directories=",
		// The log takes neither the values of rows nor statements (I7).
		"-c", "logging_collector=off", "-c", "log_error_verbosity=terse", "-c", "log_min_error_statement=panic",
		"-c", "log_checkpoints=off",
	}
	durable := "on"
	if c.NoFsync {
		durable = "off"
	}
	args = append(args, "-c", "fsync="+durable, "-c", "synchronous_commit="+durable)
	cmd, release, err := c.command(context.WithoutCancel(ctx), c.data(), "postgres", args...)
	if err != nil {
		return nil, err
	}
	defer release()
	s := &Server{
		url:    connectionURL(c.Options, port, c.Database),
		log:    filepath.Join(c.Dir, logFile),
		cmd:    cmd,
		exited: make(chan struct{}),
	}
	if err := spawn(cmd, func(err error) { s.err = err; close(s.exited) }); err != nil {
		return nil, fmt.Errorf("start %q: %w", cmd.Path, err)
	}
	if err := c.ready(ctx, s, port); err != nil {
		text := tail(s.log) // without the lines of the shutdown
		return nil, errors.Join(fmt.Errorf("%w%s", err, text), s.stopped())
	}
	return s, nil
}

// stopped closes a server of which it is known that it is no good.
func (s *Server) stopped() error {
	err := s.Close()
	select {
	case <-s.exited:
		return nil
	default:
		return err
	}
}

// freePort is wanted if it is free, with 0 any free one.
func freePort(ctx context.Context, wanted int) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", wanted))
	if err != nil {
		return 0, fmt.Errorf("find a port: %w", err)
	}
	defer func() { _ = l.Close() }() // nobody has connected
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a port: %v is no address of one", l.Addr())
	}
	return addr.Port, nil
}
