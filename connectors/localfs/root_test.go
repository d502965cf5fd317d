package localfs_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/localfs"
	"github.com/confuse/data-connector/domain"
)

func TestValidateRefuses(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put("file", "x")
	outside := t.TempDir()
	w.link(outside, "out")
	w.link("nowhere", "dangling")
	w.check(os.Mkdir(w.at("sub"), 0o755))
	tests := map[string]struct{ config, problem string }{
		"none":                     {`{}`, "is required"},
		"a number":                 {`{"rootPath": 7}`, "is not a string"},
		"empty":                    {`{"rootPath": ""}`, "is empty"},
		"NUL":                      {`{"rootPath": "/tmp\u0000"}`, "contains NUL"},
		"relative":                 {`{"rootPath": "tmp"}`, "is not absolute"},
		"dots that leave":          {path(t, w.dir+"/../../etc"), `contains ".."`},
		"dots that stay":           {path(t, w.dir+"/sub/../sub"), `contains ".."`},
		"missing":                  {path(t, w.at("missing")), "does not exist"},
		"a file":                   {path(t, w.at("file")), "is not a folder"},
		"below a file":             {path(t, w.at("file/x")), "is not a folder"},
		"a dangling link":          {path(t, w.at("dangling")), "does not exist"},
		"a link that leaves":       {path(t, w.at("out")), "lies outside"},
		"missing behind that link": {path(t, w.at("out/missing")), "lies outside"},
		"outside":                  {path(t, outside), "lies outside"},
		"missing outside":          {path(t, outside+"/missing"), "lies outside"},
		"a neighbour by prefix":    {path(t, filepath.Dir(w.dir)+"-x"), "lies outside"},
		"everything":               {path(t, "/"), "lies outside"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := w.conn.Validate(t.Context(), domain.Scope{Config: json.RawMessage(tt.config)})
			var invalid *domain.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v, want an InvalidError", err)
			}
			if invalid.Field != "config.rootPath" || !strings.Contains(invalid.Problem, tt.problem) || !strings.Contains(invalid.Allowed, filepath.Dir(w.dir)) {
				t.Errorf("got %+v, want %q and what is allowed", invalid, tt.problem)
			}
		})
	}
}

func path(t *testing.T, p string) string { return string(config(t, p)) }

func TestValidateNamesTheFolder(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.check(os.Mkdir(w.at("sub"), 0o755))
	w.link("sub", "alias")
	for _, p := range []string{w.at("sub"), w.at("sub") + "/", w.at("alias"), w.dir + "//sub/."} {
		got, err := w.conn.Validate(t.Context(), domain.Scope{Config: config(t, p)})
		if want := (domain.Identity{ExternalKey: w.at("sub"), Name: "sub"}); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", p, got, err, want)
		}
	}
}

func TestNothingIsAllowedByDefault(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	_, err := localfs.New(localfs.Options{Clock: w.clock}).Validate(t.Context(), w.scope)
	var invalid *domain.InvalidError
	if !errors.As(err, &invalid) || !strings.Contains(invalid.Allowed, "FS_ALLOWED_PATHS") {
		t.Errorf("got %v, want an error that names FS_ALLOWED_PATHS", err)
	}
}

// A folder that is allowed through a symlink is allowed under both names.
func TestAllowedThroughSymlink(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	link := filepath.Join(t.TempDir(), "link")
	w.check(os.Symlink(filepath.Dir(w.dir), link))
	conn := localfs.New(localfs.Options{Allowed: []string{"/missing", link}, Clock: w.clock})
	for _, p := range []string{w.dir, filepath.Join(link, "root")} {
		if got, err := conn.Validate(t.Context(), domain.Scope{Config: config(t, p)}); err != nil || got.ExternalKey != w.dir {
			t.Errorf("%q: got %+v, %v", p, got, err)
		}
	}
}

func TestRootThatIsGone(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		spoil func(w *world)
		fresh bool
		err   error
	}{
		"removed":                            {spoil: func(w *world) { w.check(os.RemoveAll(w.dir)) }, err: domain.ErrGone},
		"removed, full sync":                 {spoil: func(w *world) { w.check(os.RemoveAll(w.dir)) }, fresh: true, err: domain.ErrGone},
		"its parent removed":                 {spoil: func(w *world) { w.check(os.RemoveAll(filepath.Dir(w.dir))) }, err: domain.ErrGone},
		"a file in its place":                {spoil: func(w *world) { w.check(os.RemoveAll(w.dir)); w.check(os.WriteFile(w.dir, nil, 0o644)) }, err: domain.ErrGone},
		"unmounted":                          {spoil: func(w *world) { w.swap("") }, err: domain.ErrGone},
		"unmounted, full sync":               {spoil: func(w *world) { w.swap("") }, fresh: true, err: domain.ErrGone},
		"replaced by another one with files": {spoil: func(w *world) { w.swap("new") }},
		"emptied":                            {spoil: func(w *world) { w.remove("old") }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.put("old", "x")
			w.list()
			tt.spoil(w)
			w.scope.Fresh = tt.fresh
			l := newListing()
			err := w.conn.Snapshot(t.Context(), w.scope, domain.Cursor{}, l)
			if !errors.Is(err, tt.err) || l.complete != (tt.err == nil) {
				t.Errorf("got error %v, complete %v, want %v", err, l.complete, tt.err)
			}
		})
	}
}

// swap puts another folder in the place of the root, with one file or none. The
// old one lives on elsewhere, so that the new one gets another inode.
func (w *world) swap(file string) {
	w.t.Helper()
	w.check(os.Rename(w.dir, w.dir+"-old"))
	w.check(os.Mkdir(w.dir, 0o755))
	if file != "" {
		w.put(file, "y")
	}
}

// In a run the engine has to know that the root is gone, which passes, from a
// config that is wrong, which does not.
func TestValidateInRun(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.scope.Known = known{}
	w.check(os.Remove(w.dir))
	_, err := w.conn.Validate(t.Context(), w.scope)
	var invalid *domain.InvalidError
	if !errors.Is(err, domain.ErrGone) || errors.As(err, &invalid) {
		t.Errorf("got %v, want ErrGone alone", err)
	}
	w.scope.Config = config(t, "/")
	if _, err = w.conn.Validate(t.Context(), w.scope); !errors.As(err, &invalid) {
		t.Errorf("got %v, want InvalidError for a root that is no longer allowed", err)
	}
}

type known struct{ domain.Known }

func TestRootChangesDuringWalk(t *testing.T) {
	t.Parallel()

	for name, spoil := range map[string]func(w *world){
		"removed":           func(w *world) { w.check(os.RemoveAll(w.dir)) },
		"renamed":           func(w *world) { w.check(os.Rename(w.dir, w.dir+"-away")) },
		"replaced":          func(w *world) { w.swap("other") },
		"replaced by empty": func(w *world) { w.swap("") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.conn.SetPage(5)
			for i := range 20 {
				w.put(strings.Repeat("x", 1+i%4)+"/"+strings.Repeat("y", 1+i/4), "content")
			}
			l := newListing()
			l.onPage = func(n int) error {
				if n == 1 {
					spoil(w)
				}
				return nil
			}
			if err := w.conn.Snapshot(t.Context(), w.scope, domain.Cursor{}, l); !errors.Is(err, domain.ErrGone) || l.complete {
				t.Errorf("got %v, complete %v, want ErrGone", err, l.complete)
			}
		})
	}
}
