package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"

	"github.com/confuse/data-connector/adapters/blob"
	"github.com/confuse/data-connector/domain"
)

// somewhere is a claim of a pack that is in no store.
func somewhere() domain.ClaimCheck {
	return domain.ClaimCheck{Size: 1, Ref: domain.PackRef{Pack: name(0), Length: 10}}
}

// A right that is missing is neither lost content nor a delete that is done, also
// where the bucket may be listed.
func TestRefusedByACloud(t *testing.T) {
	t.Parallel()

	for _, address := range []string{"gs://refusing", "azblob://refusing"} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()

			needEmulators(t)
			s := must(blob.Open(t.Context(), address))(t)
			t.Cleanup(func() { closed(t, s) })
			wantNotGone(t, s)
		})
	}
}

// wantNotGone holds s, which cannot tell, to saying so.
func wantNotGone(t *testing.T, s *blob.Store) {
	t.Helper()
	if _, err := s.Open(t.Context(), somewhere()); err == nil || errors.Is(err, domain.ErrContentLost) {
		t.Errorf("got error %v from Open, want one that is not %v", err, domain.ErrContentLost)
	}
	if there, err := s.Has(t.Context(), name(0)); err == nil {
		t.Errorf("got %t and no error from Has", there)
	}
	if err := s.Delete(t.Context(), name(0)); err == nil {
		t.Error("got no error from a delete that was not done")
	}
}

// unresolved is a network where the name of a server is not found for blobs.
type unresolved struct{}

func (unresolved) Do(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/packs/") {
		return nil, &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}
	}
	empty := io.NopCloser(bytes.NewReader([]byte("<EnumerationResults><Blobs/></EnumerationResults>")))
	return &http.Response{StatusCode: http.StatusOK, Body: empty, Request: r, Header: http.Header{"Content-Type": {"application/xml"}}}, nil
}

// A name server that fails for a moment loses no content.
func TestUnresolvedNameIsNotLostContent(t *testing.T) {
	t.Parallel()

	options := &container.ClientOptions{}
	options.Transport, options.Retry.MaxRetries = unresolved{}, -1
	client := must(container.NewClientWithNoCredential("https://account.blob.core.windows.net/bucket", options))(t)
	s := blob.In(must(azureblob.OpenBucket(t.Context(), client, nil))(t), blob.System())
	t.Cleanup(func() { closed(t, s) })
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantNotGone(t, s)
}

// stalls answers nothing, and halts sends half an answer. Both wait then.
func stalls(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, r.Body) // a server sees a client leave when it has read all
	<-r.Context().Done()
}

func halts(w http.ResponseWriter, r *http.Request, next http.Handler) {
	whole := httptest.NewRecorder()
	next.ServeHTTP(whole, r)
	for h, values := range whole.Header() {
		w.Header()[h] = values
	}
	w.WriteHeader(whole.Code)
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2]) // the client sees what comes
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// What takes no end is ended, and may be tried again.
func TestStalledStore(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		method string
		fault  fault
		ask    func(ctx context.Context, s *blob.Store, w domain.PackWriter, c domain.ClaimCheck) error
	}{
		"check": {http.MethodGet, stalls, func(ctx context.Context, s *blob.Store, _ domain.PackWriter, _ domain.ClaimCheck) error {
			return s.Check(ctx)
		}},
		"open": {http.MethodGet, stalls, func(ctx context.Context, s *blob.Store, _ domain.PackWriter, c domain.ClaimCheck) error {
			_, err := read(ctx, s, c)
			return err
		}},
		"read": {http.MethodGet, halts, func(ctx context.Context, s *blob.Store, _ domain.PackWriter, c domain.ClaimCheck) error {
			_, err := read(ctx, s, c)
			return err
		}},
		"list": {http.MethodGet, stalls, func(ctx context.Context, s *blob.Store, _ domain.PackWriter, _ domain.ClaimCheck) error {
			for _, err := range s.List(ctx, source(1)) {
				return err
			}
			return nil
		}},
		"delete": {http.MethodDelete, stalls, func(ctx context.Context, s *blob.Store, _ domain.PackWriter, _ domain.ClaimCheck) error {
			return s.Delete(ctx, name(0))
		}},
		"commit": {http.MethodPut, stalls, func(ctx context.Context, _ *blob.Store, w domain.PackWriter, _ domain.ClaimCheck) error {
			return w.Commit(ctx)
		}},
	}
	for what, test := range tests {
		t.Run(what, func(t *testing.T) {
			t.Parallel()

			whole, address, breakIt := breakableAt(t, test.method, test.fault)
			c := three(t, whole, [3][]byte{text(100), noise(200<<10, 1), text(100)})[1]
			s := blob.Within(must(gocloud.OpenBucket(t.Context(), address))(t), blob.System(), 300*time.Millisecond)
			t.Cleanup(func() { closed(t, s) })
			w := create(t, s, name(1))
			keep(t, w, text(100))
			breakIt()
			wantStalled(t, test.ask(t.Context(), s, w, c))
		})
	}
}

// Google's library asks a server that is busy again, without end.
func TestBusyCloud(t *testing.T) {
	t.Parallel()

	needEmulators(t)
	s := blob.Within(must(gocloud.OpenBucket(t.Context(), "gs://busy"))(t), blob.System(), 300*time.Millisecond)
	t.Cleanup(func() { closed(t, s) })
	wantStalled(t, s.Check(t.Context()))
}

func wantStalled(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "gives no answer in time") {
		t.Errorf("got error %v, want that the store gives no answer in time", err)
	}
	for _, other := range []error{context.Canceled, context.DeadlineExceeded, domain.ErrContentLost} {
		if errors.Is(err, other) {
			t.Errorf("got error %v, which is %v", err, other)
		}
	}
}
