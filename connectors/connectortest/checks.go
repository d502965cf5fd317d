package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/confuse/data-connector/domain"
)

func testDescribe(t *testing.T, f Fixture) {
	d := f.Connector.Describe()
	if d.Provider == "" || d.Identity != domain.ByPath && d.Identity != domain.ByItem {
		t.Errorf("got provider %q, identity %q", d.Provider, d.Identity)
	}
	for _, o := range d.Options {
		if o.Name == "" || o.Kind == "" || o.Help == "" {
			t.Errorf("got option %+v, want name, kind and help", o)
		}
	}
	if again := f.Connector.Describe(); !reflect.DeepEqual(d, again) {
		t.Errorf("got %+v, then %+v", d, again)
	}
}

func testValidate(t *testing.T, f Fixture) {
	one, err := f.Connector.Validate(t.Context(), f.scope(t))
	if err != nil {
		t.Fatal(err)
	}
	two, err := f.Connector.Validate(t.Context(), f.scope(t))
	if err != nil || one != two || one.ExternalKey == "" || one.Name == "" {
		t.Errorf("got %+v, then %+v, %v", one, two, err)
	}
	for _, o := range f.Connector.Describe().Options {
		if o.Required {
			s := f.scope(t)
			s.Config = without(t, f.Config, o.Name)
			_, err := f.Connector.Validate(t.Context(), s)
			var invalid *domain.InvalidError
			if !errors.As(err, &invalid) || invalid.Field != "config."+o.Name {
				t.Errorf("got %v without option %q, want an error that names it", err, o.Name)
			}
		}
	}
}

func without(t *testing.T, config json.RawMessage, option string) json.RawMessage {
	t.Helper()
	var options map[string]json.RawMessage
	if err := json.Unmarshal(config, &options); err != nil {
		t.Fatal(err)
	}
	delete(options, option)
	b, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testSnapshot(t *testing.T, f Fixture) {
	got := snapshot(t, f, f.scope(t))
	checkListed(t, f, got.pages)
	if f.Connector.Describe().Ordered {
		checkOrder(t, got.pages)
	}
	if len(got.pages) < 2 {
		t.Errorf("got %d pages: the fixture has no middle", len(got.pages))
	}
}

// snapshot is a listing that must come to its end.
func snapshot(t *testing.T, f Fixture, s domain.Scope) *collector {
	t.Helper()
	got := &collector{t: t}
	if err := f.Connector.Snapshot(t.Context(), s, domain.Cursor{}, got); err != nil {
		t.Fatal(err)
	}
	if !got.complete() {
		t.Error("got no error from a listing that is not complete")
	}
	return got
}

// checkListed wants the items with content to be exactly the files of f.
func checkListed(t *testing.T, f Fixture, pages []domain.Page) {
	t.Helper()
	items := itemsOf(pages)
	for path, content := range f.Files {
		i, ok := items[path]
		if !ok {
			t.Errorf("%q is not listed", path)
		} else if i.Size != -1 && i.Size != int64(len(content)) {
			t.Errorf("got size %d of %q, want %d", i.Size, path, len(content))
		}
	}
	for path := range items {
		if _, ok := f.Files[path]; !ok {
			t.Errorf("%q is listed, but not there", path)
		}
	}
}

func checkOrder(t *testing.T, pages []domain.Page) {
	t.Helper()
	var last []byte
	for _, p := range pages {
		for _, c := range p.Changes {
			if last != nil && bytes.Compare(c.Item.Path, last) <= 0 {
				t.Errorf("got %q behind %q", c.Item.Path, last)
			}
			last = c.Item.Path
		}
	}
}

func testResume(t *testing.T, f Fixture) {
	s := f.scope(t)
	whole := snapshot(t, f, s)
	for i, p := range whole.pages {
		if p.Next.IsZero() {
			continue
		}
		rest := &collector{t: t}
		if err := f.Connector.Snapshot(t.Context(), s, stored(t, p.Next), rest); err != nil {
			t.Fatalf("resume behind page %d: %v", i, err)
		}
		checkListed(t, f, append(whole.pages[:i+1:i+1], rest.pages...))
	}
}

// stored is c as it comes back from the log.
func stored(t *testing.T, c domain.Cursor) domain.Cursor {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back domain.Cursor
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

var errSink = errors.New("sink is full")

func testSinkError(t *testing.T, f Fixture) {
	got := &collector{t: t, fail: errSink}
	if err := f.Connector.Snapshot(t.Context(), f.scope(t), domain.Cursor{}, got); err != errSink { //nolint:errorlint // as it is
		t.Errorf("got %v, want the error of the sink as it is", err)
	}
	if len(got.pages) != 1 {
		t.Errorf("got %d pages, want none behind the one that failed", len(got.pages))
	}
}

func testCancelled(t *testing.T, f Fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := &collector{t: t}
	err := f.Connector.Snapshot(ctx, f.scope(t), domain.Cursor{}, got)
	if err == nil && len(got.items()) < len(f.Files) {
		t.Error("got no error from a listing that was cancelled")
	}
}

// A listing that breaks must not look like a complete one: that allows the
// engine to remove every file it has not seen (I8).
func testFault(t *testing.T, f Fixture, fault Fault) {
	f.Faults[fault]()
	got := &collector{t: t}
	err := f.Connector.Snapshot(t.Context(), f.scope(t), domain.Cursor{}, got)
	if listed := len(got.items()); got.complete() && listed < len(f.Files) && !unread(got) {
		t.Errorf("got a complete listing of %d items, want %d or none", listed, len(f.Files))
	}
	if (err == nil) != got.complete() {
		t.Errorf("got error %v, complete %v", err, got.complete())
	}
	f.mend()
	checkListed(t, f, snapshot(t, f, f.scope(t)).pages)
}

// unread reports whether the listing says that it could not see everything.
func unread(c *collector) bool {
	for _, p := range c.pages {
		if len(p.Unread) > 0 {
			return true
		}
	}
	return false
}
