package httpapi

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	maxDelivery  = 25 << 20         // bytes: what GitHub sends at most, and no other provider more
	deliveryTime = 15 * time.Second // to send one
	usualSize    = 1 << 20          // bytes; larger ones are rare
	usualRoom    = 16 << 20         // bytes of usual ones
	peerRoom     = usualRoom / 4    // bytes of those that one peer may have under way
)

// rooms bound the bytes of all bodies that are held at once: one large one, and
// apart from it dozens of usual ones, so that who sends a large one slowly stops no
// other. A body whose size is not told may be a large one. One peer has a part of the
// room for usual ones, so that it does not fill it with what it sends slowly.
type rooms struct {
	usual *semaphore.Weighted
	peers *peers
	large chan []byte // the one buffer of large ones: a new one each would wait for the collector
}

func newRooms() rooms {
	r := rooms{usual: semaphore.NewWeighted(usualRoom), peers: &peers{all: map[string]*peer{}}, large: make(chan []byte, 1)}
	r.large <- nil // made with the first large one, and kept
	return r
}

// enter waits for room for a body of a size that is known (else -1). into is where
// it goes, as long as it may be.
func (r rooms) enter(ctx context.Context, from string, size int64) (into []byte, leave func(), err error) {
	if 0 <= size && size <= usualSize {
		quit, err := r.peers.enter(ctx, from, size)
		if err != nil {
			return nil, nil, err
		}
		if err := r.usual.Acquire(ctx, size); err != nil {
			quit()
			return nil, nil, err
		}
		return make([]byte, size), func() { r.usual.Release(size); quit() }, nil
	}
	select {
	case buffer := <-r.large:
		if buffer == nil {
			buffer = make([]byte, maxDelivery+1)
		}
		into = buffer
		if size >= 0 {
			into = buffer[:size]
		}
		return into, func() { r.large <- buffer }, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// peers are the rooms of those who send something now, by their addresses.
type peers struct {
	mu  sync.Mutex
	all map[string]*peer
}

type peer struct {
	*semaphore.Weighted
	users int
}

// enter waits for room of one peer.
func (p *peers) enter(ctx context.Context, from string, size int64) (leave func(), err error) {
	p.mu.Lock()
	one := p.all[from]
	if one == nil {
		one = &peer{Weighted: semaphore.NewWeighted(peerRoom)}
		p.all[from] = one
	}
	one.users++
	p.mu.Unlock()
	quit := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(p.all, from)
		}
	}
	if err := one.Acquire(ctx, size); err != nil {
		quit()
		return nil, err
	}
	return func() { one.Release(size); quit() }, nil
}

// readDelivery reads a whole body into memory that is accounted for. The caller
// calls free when it is done with it.
func (s *Server) readDelivery(w http.ResponseWriter, r *http.Request, d *deliveries) (body []byte, free func(), refusal *errorReply) {
	if r.Header.Get("Content-Encoding") != "" || !jsonBody(r) {
		return nil, nil, invalid(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE",
			fieldProblem{Field: "Content-Type", Problem: "is not plain JSON", Allowed: "application/json, not compressed"})
	}
	tooLarge := invalid(http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", fieldProblem{Field: "body", Problem: "is too large", Allowed: "at most 25 MiB"})
	if r.ContentLength > maxDelivery {
		return nil, nil, tooLarge
	}
	wait, cancel := context.WithTimeout(r.Context(), deliveryTime/3)
	defer cancel()
	into, free, err := d.rooms.enter(wait, peerOf(r), r.ContentLength)
	if err != nil {
		return nil, nil, newErrorReply(http.StatusServiceUnavailable, codeUnavailable, "too many deliveries at once; send it again").after(time.Second)
	}
	control := http.NewResponseController(w)
	late := time.AfterFunc(deliveryTime, func() {
		_ = control.SetReadDeadline(time.Unix(1, 0)) // a recorder in a test has none
	})
	defer late.Stop()
	n, err := fill(into, http.MaxBytesReader(w, r.Body, maxDelivery))
	if err == nil && r.ContentLength >= 0 && int64(n) < r.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		return into[:n], free, nil
	}
	free()
	if tooBig := new(http.MaxBytesError); errors.As(err, &tooBig) {
		return nil, nil, tooLarge
	}
	return nil, nil, invalid(http.StatusBadRequest, codeValidation, fieldProblem{Field: "body", Problem: "was cut off", Allowed: "a whole body within " + deliveryTime.String()})
}

// fill reads to the end of r, which is no longer than into.
func fill(into []byte, r io.Reader) (n int, err error) {
	for err == nil && n < len(into) {
		var more int
		more, err = r.Read(into[n:])
		n += more
	}
	if errors.Is(err, io.EOF) {
		return n, nil
	}
	return n, err
}

// jsonBody reports whether r says that its body is JSON. A body that is empty need
// not say so.
func jsonBody(r *http.Request) bool {
	if r.ContentLength == 0 {
		return true
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/json"
}
