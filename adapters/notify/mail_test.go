package notify_test

import (
	"bufio"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// A mailServer takes mails as RFC 5321 has it.
type mailServer struct {
	t    *testing.T
	addr string
	got  chan mail

	refuses atomic.Pointer[string] // the recipient that it does not take now; nil: all are taken
}

// A mail is one that a server has taken.
type mail struct {
	login, from, to string
	header          textproto.MIMEHeader
	body            string
}

func newMailServer(t *testing.T) *mailServer {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s := &mailServer{t: t, addr: listener.Addr().String(), got: make(chan mail, 100)}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go s.serve(conn)
		}
	}()
	return s
}

func (s *mailServer) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // nothing is lost
	text := textproto.NewConn(conn)
	_ = text.PrintfLine("220 mail.test ESMTP")
	var m mail
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		reply := "250 fine"
		switch strings.ToUpper(verb) {
		case "EHLO":
			_ = text.PrintfLine("250-mail.test")
			reply = "250 AUTH PLAIN"
		case "AUTH":
			m.login, reply = rest, "235 welcome"
		case "MAIL":
			m.from = rest
		case "RCPT":
			m.to = rest
			if to := s.refuses.Load(); to != nil && rest == "TO:<"+*to+">" {
				reply = "450 try again later"
			}
		case "DATA":
			_ = text.PrintfLine("354 go on")
			lines, err := text.ReadDotBytes()
			if err != nil {
				return
			}
			all := textproto.NewReader(bufio.NewReader(strings.NewReader(string(lines))))
			if m.header, err = all.ReadMIMEHeader(); err != nil {
				reply = "554 no header"
			}
			_, m.body, _ = strings.Cut(string(lines), "\n\n")
			s.got <- m
		case "QUIT":
			_ = text.PrintfLine("221 bye")
			return
		}
		_ = text.PrintfLine("%s", reply)
	}
}

// taken are the recipients of what has come, one word each.
func (s *mailServer) taken() string {
	var all []string
	for {
		select {
		case m := <-s.got:
			name, _, _ := strings.Cut(strings.TrimPrefix(m.to, "TO:<"), "@")
			all = append(all, name)
		default:
			slices.Sort(all)
			return strings.Join(all, " ")
		}
	}
}
