package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/mail"
	"net/netip"
	smtpclient "net/smtp"
	"slices"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// mailTime is how long a mail server may take for a whole message, if ctx says no
// less.
const mailTime = 15 * time.Second

// mail hands a message to the server of an address as shoutrrr reads it. It does not
// let shoutrrr send it, which looks names up by itself and waits for answers without
// an end: here the connection ends with ctx, and after mailTime.
//
// Each recipient gets a message of its own. When some have theirs and others do not,
// the error is an *ingest.PartlySentError; t.Reached are not sent it again.
func (s *Sender) mail(ctx context.Context, c smtp.Config, t ingest.NotifyTarget, m ingest.NotifyMessage) error {
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	at, err := s.Host(ctx, c.Host)
	if err != nil {
		return fmt.Errorf("notify: smtp: the host may not be reached: %w", err)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", netip.AddrPortFrom(at, c.Port).String())
	if err != nil {
		return fmt.Errorf("notify: smtp does not answer: %w", domain.ErrTransient)
	}
	defer conn.Close() //nolint:errcheck // what it has taken is taken
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c.FixEmailTags()
	l := letter{m: m, at: s.Clock.Now(), reached: slices.Clone(t.Reached)}
	err = converse(ctx, brief{conn, io.LimitReader(conn, maxAnswer)}, c, &l)
	switch {
	case err != nil && ctx.Err() != nil:
		err = fmt.Errorf("notify: smtp does not answer: %w", ctx.Err())
	case err != nil: // it may hold the login
		err = fmt.Errorf("notify: smtp did not take the message for %d of %d recipients: %w", len(c.ToAddresses)-len(l.reached), len(c.ToAddresses), domain.ErrTransient)
	}
	if err != nil && len(l.reached) > 0 {
		return &ingest.PartlySentError{Reached: l.reached, Err: err}
	}
	return err
}

// A brief is a connection that gives no more than the beginning of all answers: a
// stranger's may have no end.
type brief struct {
	net.Conn
	r io.Reader
}

func (b brief) Read(p []byte) (int, error) { return b.r.Read(p) } //nolint:wrapcheck // it stands for what it wraps

// errNoTLS is a server that is to encrypt and cannot.
var errNoTLS = errors.New("the server does not encrypt")

// converse speaks SMTP (RFC 5321) over conn.
func converse(ctx context.Context, conn net.Conn, c smtp.Config, l *letter) error {
	encryption := &tls.Config{ServerName: c.Host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.SkipTLSVerify} //nolint:gosec // the owner's own wish, for the owner's own server
	implicit := c.Encryption == smtp.EncImplicitTLS || c.Encryption == smtp.EncAuto && c.Port == smtp.ImplicitTLSPort
	if implicit {
		over := tls.Client(conn, encryption)
		if err := over.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("encrypt: %w", err)
		}
		conn = over
	}
	client, err := smtpclient.NewClient(conn, c.Host)
	if err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	if err := client.Hello("localhost"); err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	if can, _ := client.Extension("STARTTLS"); !implicit && c.UseStartTLS && can {
		if err := client.StartTLS(encryption); err != nil {
			return fmt.Errorf("encrypt: %w", err)
		}
	} else if !implicit && (c.RequireStartTLS || c.Encryption == smtp.EncExplicitTLS) {
		return errNoTLS
	}
	if login := loginOf(c); login != nil {
		if err := client.Auth(login); err != nil {
			return fmt.Errorf("login: %w", err)
		}
	}
	var refused []error
	for n, to := range c.ToAddresses {
		if slices.Contains(l.reached, n) {
			continue
		}
		if err := l.hand(client, c, to); err != nil {
			refused = append(refused, err, client.Reset())
			continue
		}
		l.reached = append(l.reached, n)
	}
	_ = client.Quit() // it has answered for all
	return errors.Join(refused...)
}

// loginOf is how an address wants to log in; nil: not at all.
func loginOf(c smtp.Config) smtpclient.Auth {
	switch c.Auth {
	case smtp.AuthPlain:
		return smtpclient.PlainAuth("", c.Username, c.Password, c.Host)
	case smtp.AuthCRAMMD5:
		return smtpclient.CRAMMD5Auth(c.Username, c.Password)
	case smtp.AuthOAuth2:
		return sealed{smtp.OAuth2Auth(c.Username, c.Password)}
	default:
		return nil
	}
}

// A sealed login goes over TLS alone, as that of smtpclient.PlainAuth does by itself:
// whoever is in between may take the offer of STARTTLS away.
type sealed struct{ smtpclient.Auth }

// Start implements smtpclient.Auth.
func (s sealed) Start(server *smtpclient.ServerInfo) (string, []byte, error) {
	if !server.TLS {
		return "", nil, errNoTLS
	}
	return s.Auth.Start(server) //nolint:wrapcheck // it stands for what it wraps
}

// A letter is a message as a mail.
type letter struct {
	m       ingest.NotifyMessage
	at      time.Time
	reached []int // places of the recipients in the address that have it
}

func (l *letter) hand(client *smtpclient.Client, c smtp.Config, to string) error {
	if err := client.Mail(c.FromAddress); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if err := client.Rcpt(to); err != nil {
		return fmt.Errorf("to: %w", err)
	}
	w, err := client.Data()
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	from := mail.Address{Name: oneLine(c.FromName), Address: c.FromAddress}
	_, err = fmt.Fprintf(w, "Subject: %s\nDate: %s\nTo: <%s>\nFrom: %s\nMIME-Version: 1.0\nContent-Type: text/plain; charset=\"UTF-8\"\nContent-Transfer-Encoding: 8bit\n\n",
		mime.QEncoding.Encode("utf-8", l.m.Title), l.at.Format(time.RFC1123Z), to, from.String())
	if err == nil {
		_, err = io.WriteString(w, l.m.Text)
	}
	return errors.Join(err, w.Close())
}
