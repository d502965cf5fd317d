package blob_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/confuse/data-connector/domain"
)

// list gives the packs of source 1, sorted.
func list(t *testing.T, s domain.Packs) (infos []domain.PackInfo) {
	t.Helper()
	for info, err := range s.List(t.Context(), source(1)) {
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, info)
	}
	return infos
}

func byName(a, b domain.PackInfo) bool { return a.Name < b.Name }

func TestList(t *testing.T) {
	t.Parallel()

	everywhere(t, func(t *testing.T, s place) {
		if got := list(t, s); len(got) > 0 {
			t.Errorf("got %v of a source without packs, want none", got)
		}
		otherRun := strings.Replace(name(0), "/7-", "/8-", 1)
		var want []domain.PackInfo
		before := time.Now().Add(-time.Minute) // clocks of file systems are coarse
		for i, n := range []string{name(0), name(11), otherRun} {
			w := create(t, s, n)
			c := keep(t, w, noise(100*i, 1))
			commit(t, w)
			want = append(want, domain.PackInfo{Name: n, Size: c.Ref.Length})
		}
		w := create(t, s, fmt.Sprintf("packs/%s/%s/0", source(2), run))
		keep(t, w, text(10))
		commit(t, w)
		s.put(t, strings.TrimSuffix(name(0), "0")+"notes", []byte("of somebody else"))
		open := create(t, s, name(12)) // it is not committed
		keep(t, open, text(10))

		got := list(t, s)
		if diff := cmp.Diff(want, got, cmpopts.SortSlices(byName), cmpopts.IgnoreFields(domain.PackInfo{}, "ModTime")); diff != "" {
			t.Errorf("packs (-want +got):\n%s", diff)
		}
		for _, info := range got {
			if info.ModTime.Before(before) || info.ModTime.After(time.Now().Add(time.Minute)) {
				t.Errorf("got %q committed at %v, want now", info.Name, info.ModTime)
			}
		}
		if err := open.Discard(); err != nil {
			t.Error(err)
		}
	})
}

func TestListEndsWithItsContext(t *testing.T) {
	t.Parallel()

	everywhere(t, func(t *testing.T, s place) {
		for n := range 3 {
			w := create(t, s, name(n))
			keep(t, w, text(10))
			commit(t, w)
		}
		for range s.List(t.Context(), source(1)) {
			break // it may end early
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var errs []error
		for _, err := range s.List(ctx, source(1)) {
			errs = append(errs, err)
		}
		if len(errs) != 1 || !errors.Is(errs[0], context.Canceled) {
			t.Errorf("got %v, want %v and nothing else", errs, context.Canceled)
		}
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()

	everywhere(t, func(t *testing.T, s place) {
		var checks []domain.ClaimCheck
		for n := range 2 {
			w := create(t, s, name(n))
			checks = append(checks, keep(t, w, text(10)))
			commit(t, w)
		}
		for range 2 {
			if err := s.Delete(t.Context(), name(0)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Open(t.Context(), checks[0]); !errors.Is(err, domain.ErrContentLost) {
			t.Errorf("got error %v, want %v", err, domain.ErrContentLost)
		}
		wantContent(t, s, checks[1], text(10))
		for _, bad := range []string{"", "packs", name(-1), name(1) + "/..", "../" + name(1), strings.TrimSuffix(name(1), "/1")} {
			if err := s.Delete(t.Context(), bad); err == nil {
				t.Errorf("got no error from deleting %q", bad)
			}
		}
		wantContent(t, s, checks[1], text(10))
	})
}

// A collector deletes what it lists, and others go on writing.
func TestDeleteWhileListing(t *testing.T) {
	t.Parallel()

	everywhere(t, func(t *testing.T, s place) {
		for n := range 5 {
			w := create(t, s, name(n))
			keep(t, w, text(10))
			commit(t, w)
		}
		deleted := 0
		for info, err := range s.List(t.Context(), source(1)) {
			if err == nil {
				err = s.Delete(t.Context(), info.Name)
			}
			if err != nil {
				t.Fatal(err)
			}
			deleted++
		}
		if left := s.names(t); deleted != 5 || len(left) > 0 {
			t.Errorf("got %d packs deleted and %q left, want 5 and none", deleted, left)
		}
		w := create(t, s, name(5)) // in a folder that went with its last pack
		c := keep(t, w, text(20))
		commit(t, w)
		wantContent(t, s, c, text(20))
	})
}
