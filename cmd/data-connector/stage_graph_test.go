package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/confuse/data-connector/adapters/pipeline/neighbourtest"
	"github.com/confuse/data-connector/domain"
)

func entityStates(g *neighbourtest.Graph) map[string]domain.Revised {
	states := map[string]domain.Revised{}
	for _, e := range g.Entities {
		if e.Type == "file" { // others have no state
			at := revisedOf(e)
			states[fmt.Sprint(e.SourceID, at)] = at
		}
	}
	return states
}

func revisedOf(e neighbourtest.GraphEntity) domain.Revised {
	return domain.Revised{Run: int64(e.Properties["run"].(float64)), Seq: int64(e.Properties["seq"].(float64))}
}

func checkEntities(t *testing.T, g *neighbourtest.Graph, source string, want, most int) {
	t.Helper()
	repositories, seen, last := 0, map[string]bool{}, map[string]domain.Revised{}
	for _, e := range g.Entities {
		if e.Type == "repository" {
			repositories++
			if e.SourceID != source || e.Source != "local_file" {
				t.Errorf("got repository %+v, want of source %s", e, source)
			}
			continue
		}
		at := revisedOf(e)
		key := fmt.Sprint(e.SourceID, at)
		if seen[key] {
			continue
		}
		seen[key] = true
		if !last[e.SourceID].Before(at) || e.Properties["repository"] != source {
			t.Errorf("got %+v behind %v", e, last[e.SourceID])
		}
		last[e.SourceID] = at
	}
	_, lost := g.Asked()
	repeats := len(g.Entities) - repositories - want
	if t.Logf("%d entities, %d repeats", len(g.Entities), repeats); repeats > lost+most {
		t.Errorf("got %d repeats, want at most %d", repeats, lost+most)
	}
	if repositories < 1 || repositories > 1+lost+most {
		t.Errorf("got %d times the repository, want it told once but for lost answers", repositories)
	}
}

func removeFile(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}
