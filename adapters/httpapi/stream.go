package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

const (
	chunk     = 64 << 10    // bytes read at once; what is not larger is verified before the first byte is sent
	chunkTime = time.Minute // for a client to take one chunk
)

// sendContent sends part of the content of f. It always reads it to its end, because only there
// the store tells whether it is damaged, and keeps the last chunk back until
// then: an error after the first byte cuts the connection, with bytes missing
// whatever was sent before.
func (s *Server) sendContent(w http.ResponseWriter, r *http.Request, f projections.FileRow, part section) {
	status := http.StatusOK
	if part.partial {
		status = http.StatusPartialContent
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(status)
		return
	}
	out := newPacedWriter(w, status)
	err := s.copyVerified(r, out, *f.Content, part)
	if errors.Is(err, domain.ErrContentLost) {
		s.reportLost(r.Context(), f, err)
	}
	switch {
	case err == nil:
	case out.begun:
		s.Log.InfoContext(r.Context(), "content cut off", "correlation", correlation(r.Context()), "digest", f.Content.SHA256.String(), "err", err)
		panic(http.ErrAbortHandler) // net/http's way to break a reply off
	default:
		for _, name := range []string{"ETag", "Accept-Ranges", "Content-Disposition", "Content-Length", "Content-Range"} {
			w.Header().Del(name)
		}
		w.Header().Set("Cache-Control", "no-store")
		s.refuse(w, r, s.problem(r.Context(), err))
	}
}

// reportLost tells whoever can have the content of f fetched again. The reader,
// who may have gone, is not kept waiting for that.
func (s *Server) reportLost(ctx context.Context, f projections.FileRow, err error) {
	s.Log.ErrorContext(ctx, "content lost", "correlation", correlation(ctx), "source", f.SourceID, "file", f.ID, "pack", f.Content.Ref.Pack, "err", err)
	if s.Lost == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), chunkTime)
	go func() {
		defer cancel()
		if err := s.Lost(ctx, f.SourceID, f.ID); err != nil {
			s.Log.ErrorContext(ctx, "content lost: not reported", "source", f.SourceID, "file", f.ID, "err", err)
		}
	}()
}

// copyVerified copies part of c to out and reads the rest. When it returns nil,
// the digest of the whole content was right.
func (s *Server) copyVerified(r *http.Request, out *pacedWriter, c domain.ClaimCheck, part section) error {
	content, err := s.Contents.Open(r.Context(), c)
	if err != nil {
		return fmt.Errorf("open content %s: %w", c.SHA256, err)
	}
	defer content.Close() //nolint:errcheck // only read; its end was the check
	if _, err := io.CopyN(io.Discard, content, part.start); err != nil {
		return short(err)
	}
	wanted, kept := io.LimitReader(content, part.length), new(bytes.Buffer)
	for {
		next := new(bytes.Buffer)
		n, err := io.CopyN(next, wanted, chunk)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			break
		}
		if _, err := out.Write(kept.Bytes()); err != nil { // next is there, so kept is not the last chunk
			return err
		}
		kept = next
	}
	if _, err := io.Copy(io.Discard, content); err != nil { // the end, where the digest is compared
		return err
	}
	_, err = out.last(kept.Bytes())
	return err
}

// short is the error of content that is shorter than it should be.
func short(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", domain.ErrContentLost, io.ErrUnexpectedEOF)
	}
	return err
}

// A pacedWriter sends the status with the first bytes and gives up on a client
// that does not take a chunk in time.
type pacedWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	status  int
	begun   bool
}

func newPacedWriter(w http.ResponseWriter, status int) *pacedWriter {
	p := &pacedWriter{w: w, control: http.NewResponseController(w), status: status}
	_ = p.control.SetWriteDeadline(time.Time{}) // chunkTime replaces the server's limit; a recorder in a test has none
	return p
}

// Write sends b; nothing at all happens for an empty b.
func (p *pacedWriter) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return p.last(b)
}

// last sends b and, if nothing was sent yet, the status even for an empty b.
func (p *pacedWriter) last(b []byte) (int, error) {
	if !p.begun {
		p.begun = true
		p.w.WriteHeader(p.status)
	}
	late := time.AfterFunc(chunkTime, func() { _ = p.control.SetWriteDeadline(time.Unix(1, 0)) })
	defer late.Stop()
	n, err := p.w.Write(b)
	if err != nil {
		return n, err
	}
	return n, p.control.Flush() // nothing is left to be sent when nobody looks at the time
}
