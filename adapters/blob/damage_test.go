package blob_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// three commits a pack of three items and gives the check of each.
func three(t *testing.T, s domain.Packs, contents [3][]byte) (checks [3]domain.ClaimCheck) {
	t.Helper()
	w := create(t, s, name(0))
	for i, b := range contents {
		checks[i] = keep(t, w, b)
	}
	commit(t, w)
	return checks
}

// headerSize is the most that a frame of a small item takes before its first
// block. Some bits in there mean nothing for the content: the unused one, and
// those of a window that is larger than need be (RFC 8878, 3.1.1.1).
const headerSize = 6

func TestAlteredByteIsDetected(t *testing.T) {
	t.Parallel()

	for what, content := range map[string][]byte{"text": text(5000), "noise": noise(1000, 1), "empty": {}, "one byte": {7}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()

			everywhere(t, func(t *testing.T, s place) {
				checks := three(t, s, [3][]byte{text(100), content, text(100)})
				pack, ref := s.get(t, name(0)), checks[1].Ref
				for at := int64(0); at < ref.Length; at += s.stride {
					for _, mask := range []byte{0x01, 0x10, 0xff} {
						pack[ref.Offset+at] ^= mask
						s.put(t, name(0), pack)
						got, err := read(t.Context(), s, checks[1])
						harmless := at < headerSize && err == nil && bytes.Equal(got, content)
						if !harmless && !errors.Is(err, domain.ErrContentLost) {
							t.Errorf("byte %d of %d ^ %#x: got %d bytes (right: %t) and error %v, want %v",
								at, ref.Length, mask, len(got), bytes.Equal(got, content), err, domain.ErrContentLost)
						}
						pack[ref.Offset+at] ^= mask // as it was
					}
				}
				s.put(t, name(0), pack)
				for i, want := range [][]byte{text(100), content, text(100)} {
					wantContent(t, s, checks[i], want)
				}
			})
		})
	}
}

func TestTruncatedPackIsDetected(t *testing.T) {
	t.Parallel()

	everywhere(t, func(t *testing.T, s place) {
		contents := [3][]byte{text(2000), noise(500, 1), text(2000)}
		checks := three(t, s, contents)
		pack, last := s.get(t, name(0)), checks[2].Ref
		for size := last.Offset + last.Length - 1; size >= 0; size -= s.stride {
			s.put(t, name(0), pack[:size])
			for i, c := range checks {
				if c.Ref.Offset+c.Ref.Length <= size {
					wantContent(t, s, c, contents[i])
					continue
				}
				if _, err := s.Open(t.Context(), c); !errors.Is(err, domain.ErrContentLost) {
					t.Fatalf("item %d of a pack cut to %d: got error %v, want %v at once", i, size, err, domain.ErrContentLost)
				}
			}
		}
	})
}

// A frame that is whole does not make up for a check that says something else.
func TestOtherContentIsDetected(t *testing.T) {
	t.Parallel()

	everywhere(t, func(t *testing.T, s place) {
		checks := three(t, s, [3][]byte{text(2000), noise(2000, 1), {}})
		tests := map[string]func(*domain.ClaimCheck){
			"other digest":      func(c *domain.ClaimCheck) { c.SHA256[31] ^= 1 },
			"one byte more":     func(c *domain.ClaimCheck) { c.Size++ },
			"one byte less":     func(c *domain.ClaimCheck) { c.Size-- },
			"of another item":   func(c *domain.ClaimCheck) { c.Ref = checks[1].Ref },
			"both items":        func(c *domain.ClaimCheck) { c.Ref.Length += checks[1].Ref.Length },
			"no bytes":          func(c *domain.ClaimCheck) { c.Ref.Length = 0 },
			"cut short":         func(c *domain.ClaimCheck) { c.Ref.Length-- },
			"before the pack":   func(c *domain.ClaimCheck) { c.Ref.Offset = -1 },
			"behind the pack":   func(c *domain.ClaimCheck) { c.Ref.Offset = 1 << 62 },
			"a negative length": func(c *domain.ClaimCheck) { c.Ref.Length = -1 },
			"a huge length":     func(c *domain.ClaimCheck) { c.Ref.Length = 1<<63 - 1 },
			"a negative size":   func(c *domain.ClaimCheck) { c.Size = -1 },
			"a missing pack":    func(c *domain.ClaimCheck) { c.Ref.Pack = name(9) },
			"no pack name":      func(c *domain.ClaimCheck) { c.Ref.Pack = "../" + name(0) },
		}
		for what, change := range tests {
			t.Run(what, func(t *testing.T) {
				t.Parallel()

				c := checks[0]
				change(&c)
				if _, err := read(t.Context(), s, c); !errors.Is(err, domain.ErrContentLost) {
					t.Errorf("got error %v, want %v", err, domain.ErrContentLost)
				}
			})
		}
	})
}

// A server sends Content-Length bytes and may never ask for the end.
func TestLastByteIsHeldBackFromACounter(t *testing.T) {
	t.Parallel()

	s := open(t, t.TempDir())
	c := three(t, s, [3][]byte{text(2000), {}, {}})[0]
	c.SHA256[0] ^= 1
	r, err := s.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.CopyN(io.Discard, r, c.Size)
	if n >= c.Size || !errors.Is(err, domain.ErrContentLost) {
		t.Errorf("got %d bytes of %d and error %v, want fewer and %v", n, c.Size, err, domain.ErrContentLost)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); err == nil {
		t.Error("got no error from reading what is closed")
	}
	if err := r.Close(); err != nil {
		t.Errorf("got error %v from a second Close, want none", err)
	}
}
