package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()

	for _, size := range []int{0, 1, 255, 256, 2<<10 - 1, 2 << 10, 2<<10 + 1, 4 << 10, 4<<10 + 1, 64<<10 - 1, 64 << 10, 1 << 20, 4 << 20, 4<<20 + 1, 9 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()

			everywhere(t, func(t *testing.T, s place) {
				w := create(t, s, name(0))
				contents := [][]byte{noise(size, 1), text(size), noise(size, 2)}
				checks := make([]domain.ClaimCheck, len(contents))
				for i, b := range contents {
					st := stage(t, w, b)
					if st.Digest() != sha256.Sum256(b) || st.Size() != int64(size) || !bytes.Equal(st.Head(), b[:min(size, 2<<10)]) {
						t.Errorf("got size %d, digest %v and a head of %d bytes, want those of the content", st.Size(), st.Digest(), len(st.Head()))
					}
					var err error
					if checks[i], err = w.Keep(st); err != nil {
						t.Fatal(err)
					}
				}
				commit(t, w)
				for i, b := range contents {
					if c := checks[i]; c.SHA256 != sha256.Sum256(b) || c.Size != int64(size) || c.Ref.Pack != name(0) {
						t.Errorf("got %+v, want digest, size and pack of the content", c)
					}
					wantContent(t, s, checks[i], b)
				}
				if diff := cmp.Diff([]string{name(0)}, s.names(t)); diff != "" {
					t.Errorf("files (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestItemsLieBehindEachOther(t *testing.T) {
	t.Parallel()

	s := open(t, t.TempDir())
	w := create(t, s, name(0))
	end := int64(0)
	for n := range 100 {
		c := keep(t, w, text(n*100))
		if c.Ref.Offset != end {
			t.Fatalf("got item %d at %d, want it at %d", n, c.Ref.Offset, end)
		}
		end += c.Ref.Length
	}
}

// An item of a few KiB is kept as it is, any other one is compressed.
func TestTinyItemsAreNotCompressed(t *testing.T) {
	t.Parallel()

	w := create(t, open(t, t.TempDir()), name(0))
	for size, raw := range map[int]bool{0: true, 100: true, 4 << 10: true, 4<<10 + 1: false, 64 << 10: false} {
		c := keep(t, w, make([]byte, size))
		if got := c.Ref.Length >= c.Size; got != raw {
			t.Errorf("%d bytes take %d: got raw %t, want %t", size, c.Ref.Length, got, raw)
		}
		if raw && c.Ref.Length > c.Size+10 {
			t.Errorf("%d bytes take %d", size, c.Ref.Length)
		}
	}
}

// The memory of an item is used again once it is kept or dropped, once for each item,
// and never before.
func TestMemoryIsUsedAgain(t *testing.T) {
	t.Parallel()

	s := open(t, t.TempDir())
	w := create(t, s, name(0))
	var waiting []domain.Staged
	kept := map[domain.Digest]domain.ClaimCheck{}
	for n := range 300 {
		st := stage(t, w, noise(n*17, byte(n%256)))
		waiting = append(waiting, st)
		if n%3 == 0 {
			continue
		}
		first := waiting[0]
		waiting = waiting[1:]
		if n%3 == 1 {
			c, err := w.Keep(first)
			if err != nil {
				t.Fatal(err)
			}
			kept[c.SHA256] = c
		}
		first.Drop()
		first.Drop()
	}
	commit(t, w)
	for n := range 300 {
		b := noise(n*17, byte(n%256))
		if c, ok := kept[sha256.Sum256(b)]; ok {
			wantContent(t, s, c, b)
		}
	}
	if len(kept) < 90 {
		t.Errorf("got %d items kept", len(kept))
	}
}

func TestStageRunsConcurrently(t *testing.T) {
	t.Parallel()

	everywhere(t, func(t *testing.T, s place) {
		w := create(t, s, name(0))
		staged := make([]domain.Staged, 20)
		content := func(n int) []byte { return noise(n*n*12000, byte(n)) } // to 4.3 MB: one is spilled
		var all sync.WaitGroup
		for n := range staged {
			all.Go(func() {
				var err error
				if staged[n], err = w.Stage(t.Context(), iotest.HalfReader(bytes.NewReader(content(n)))); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if t.Failed() {
			return
		}
		checks := make([]domain.ClaimCheck, len(staged))
		for n, st := range staged {
			var err error
			if checks[n], err = w.Keep(st); err != nil {
				t.Fatal(err)
			}
		}
		commit(t, w)
		for n, c := range checks {
			all.Go(func() { wantContent(t, s, c, content(n)) })
		}
		all.Wait()
	})
}

func TestNothingIsSeenBeforeCommit(t *testing.T) {
	t.Parallel()

	everywhere(t, func(t *testing.T, s place) {
		w := create(t, s, name(0))
		c := keep(t, w, text(100))
		if _, err := s.Open(t.Context(), c); !errors.Is(err, domain.ErrContentLost) {
			t.Errorf("got error %v, want %v", err, domain.ErrContentLost)
		}
		commit(t, w)
		wantContent(t, s, c, text(100))
	})
}

func TestWhatIsGivenUpLeavesNothing(t *testing.T) {
	t.Parallel()

	tests := map[string]func(*testing.T, domain.PackWriter){
		"discarded": func(t *testing.T, w domain.PackWriter) {
			keep(t, w, text(10))
			for range 2 {
				if err := w.Discard(); err != nil {
					t.Error(err)
				}
			}
		},
		"nothing kept": func(t *testing.T, w domain.PackWriter) {
			stage(t, w, text(10)).Drop()
			commit(t, w)
		},
		"a big item dropped": func(t *testing.T, w domain.PackWriter) {
			st := stage(t, w, noise(5<<20, 1))
			st.Drop()
			st.Drop()
			if _, err := w.Keep(st); err == nil {
				t.Error("got no error from keeping what was dropped")
			}
		},
		"content that fails": func(t *testing.T, w domain.PackWriter) {
			r := io.MultiReader(bytes.NewReader(noise(5<<20, 1)), iotest.ErrReader(domain.ErrChanging))
			if _, err := w.Stage(t.Context(), r); !errors.Is(err, domain.ErrChanging) {
				t.Errorf("got error %v, want that of the content", err)
			}
		},
		"small content that breaks off": func(t *testing.T, w domain.PackWriter) {
			broken := fmt.Errorf("connection closed: %w", io.EOF)
			if _, err := w.Stage(t.Context(), io.MultiReader(bytes.NewReader(text(10)), iotest.ErrReader(broken))); !errors.Is(err, broken) {
				t.Errorf("got error %v, want that of the content", err)
			}
		},
		"cancelled while staging": func(t *testing.T, w domain.PackWriter) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := w.Stage(ctx, bytes.NewReader(text(10))); !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want %v", err, context.Canceled)
			}
		},
		"cancelled before commit": func(t *testing.T, w domain.PackWriter) {
			keep(t, w, text(10))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := w.Commit(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want %v", err, context.Canceled)
			}
		},
	}
	for what, test := range tests {
		t.Run(what, func(t *testing.T) {
			t.Parallel()

			everywhere(t, func(t *testing.T, s place) {
				test(t, create(t, s, name(0)))
				if left := s.names(t); len(left) > 0 {
					t.Errorf("got %q, want nothing", left)
				}
			})
		})
	}
}

func TestAfterCommit(t *testing.T) {
	t.Parallel()

	everywhere(t, func(t *testing.T, s place) {
		w := create(t, s, name(0))
		st := stage(t, w, text(10))
		c, err := w.Keep(st)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Keep(st); err == nil {
			t.Error("got no error from keeping an item twice")
		}
		commit(t, w)
		if _, err := w.Keep(stage(t, w, text(10))); err == nil {
			t.Error("got no error from keeping in a committed pack")
		}
		if err := w.Commit(t.Context()); err == nil {
			t.Error("got no error from a second commit")
		}
		if err := w.Discard(); err != nil {
			t.Error(err)
		}
		wantContent(t, s, c, text(10))
	})
}

func TestDropSource(t *testing.T) {
	t.Parallel()

	everywhere(t, func(t *testing.T, s place) {
		w := create(t, s, name(0))
		mine := keep(t, w, text(10))
		commit(t, w)
		w = create(t, s, fmt.Sprintf("packs/%s/%s/0", source(2), run))
		other := keep(t, w, text(10))
		commit(t, w)
		for range 2 {
			if err := s.DropSource(t.Context(), source(1)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Open(t.Context(), mine); !errors.Is(err, domain.ErrContentLost) {
			t.Errorf("got error %v, want %v", err, domain.ErrContentLost)
		}
		wantContent(t, s, other, text(10))

		w = create(t, s, name(1)) // the same store makes the folder anew
		again := keep(t, w, text(20))
		commit(t, w)
		wantContent(t, s, again, text(20))
	})
}
