package blob_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/confuse/data-connector/adapters/blob"
)

// A place is a store and a way around it to what lies there.
type place struct {
	*blob.Store
	names  func(t *testing.T) []string // of all that lies there, packs or not
	get    func(t *testing.T, name string) []byte
	put    func(t *testing.T, name string, content []byte)
	stride int64 // how far to go on in a test that walks over all bytes
}

// bucketVariable holds the address of a bucket on a real server, if there is one
// to test on: s3://, gs:// or azblob://.
const bucketVariable = "TEST_CONTENT_STORE_URL"

// everywhere holds all drivers to one promise.
func everywhere(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	drivers := map[string]func(*testing.T) place{"folder": inFolder, "memory": inMemory, "S3": inS3}
	if address := os.Getenv(bucketVariable); address != "" {
		drivers["server"] = at(address)
	} else {
		drivers["Google"], drivers["Azure"] = at("gs://bucket"), at("azblob://bucket")
	}
	for driver, open := range drivers {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()

			test(t, open(t))
		})
	}
}

func inFolder(t *testing.T) place {
	t.Helper()
	root := t.TempDir()
	return place{
		Store: open(t, root),
		names: func(t *testing.T) []string { t.Helper(); return files(t, root) },
		get: func(t *testing.T, name string) []byte {
			t.Helper()
			return must(os.ReadFile(filepath.Join(root, name)))(t)
		},
		put: func(t *testing.T, name string, content []byte) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(root, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		stride: 1,
	}
}

func inMemory(t *testing.T) place {
	t.Helper()
	objects := memblob.OpenBucket(nil)
	s := blob.In(objects, blob.System())
	t.Cleanup(func() { closed(t, s) })
	return around(s, objects, 1)
}

// inS3 speaks the protocol over HTTP with a server in this process.
func inS3(t *testing.T) place {
	t.Helper()
	return inBucket(t, must(url.Parse(serveS3(t, nil)("", nil)))(t))
}

// at gives places in the bucket at address.
func at(address string) func(t *testing.T) place {
	return func(t *testing.T) place {
		t.Helper()
		return inBucket(t, must(url.Parse(address))(t))
	}
}

// inBucket takes a folder of its own. Requests are slow, so that it strides.
func inBucket(t *testing.T, bucket *url.URL) place {
	t.Helper()
	folder := "test/" + uuid.NewString()
	s := must(blob.Open(t.Context(), bucket.JoinPath(folder).String()))(t)
	t.Cleanup(func() { closed(t, s) })
	whole := *bucket
	query := whole.Query()
	query.Set("prefix", folder+"/")
	whole.RawQuery = query.Encode()
	objects := must(gocloud.OpenBucket(context.WithoutCancel(t.Context()), whole.String()))(t)
	p := around(s, objects, 53)
	t.Cleanup(func() {
		for _, name := range p.names(t) {
			_ = objects.Delete(context.WithoutCancel(t.Context()), name) // it was only for this test
		}
		_ = objects.Close() // it was only looked into
	})
	return p
}

// serveS3 starts a server with one bucket, behind front if that is given. It
// gives the addresses of folders in there.
func serveS3(t *testing.T, front func(http.Handler) http.Handler) func(path string, more url.Values) string {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	handler := signedOnly(gofakes3.New(backend).Server())
	if front != nil {
		handler = front(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return func(path string, more url.Values) string {
		query := url.Values{"endpoint": {server.URL}, "region": {"us-east-1"}, "use_path_style": {"true"}}
		if os.Getenv(bucketVariable) != "" {
			query.Set("anonymous", "true") // the keys are those of another server
		}
		maps.Copy(query, more)
		return "s3://bucket" + path + "?" + query.Encode()
	}
}

func around(s *blob.Store, objects *gocloud.Bucket, stride int64) place {
	return place{
		Store: s,
		names: func(t *testing.T) []string {
			t.Helper()
			names := []string{}
			for list := objects.List(nil); ; {
				o, err := list.Next(context.WithoutCancel(t.Context()))
				if errors.Is(err, io.EOF) {
					return names
				}
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, o.Key)
			}
		},
		get: func(t *testing.T, name string) []byte {
			t.Helper()
			return must(objects.ReadAll(t.Context(), name))(t)
		},
		put: func(t *testing.T, name string, content []byte) {
			t.Helper()
			if err := objects.WriteAll(context.WithoutCancel(t.Context()), name, content, nil); err != nil {
				t.Fatal(err)
			}
		},
		stride: stride,
	}
}

func closed(t *testing.T, s *blob.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// must gives v, or ends the test with err.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
