package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestBar(t *testing.T) {
	t.Parallel()

	var out bytes.Buffer
	b := &bar{w: &out}
	half, all := 50, 99
	for _, j := range []jobReply{
		{Status: "queued"},
		{Status: "running", Stats: jobStats{FilesProcessed: 7}}, // nobody knows how many there are
		{Status: "running", Progress: &half, Stats: jobStats{FilesProcessed: 50, FilesTotal: 100}},
		{Status: "running", Progress: &all, Stats: jobStats{FilesProcessed: 120, FilesTotal: 120}}, // there were more
		{Status: "queued", Error: "busy", RetryAt: time.Unix(0, 0), Stats: jobStats{FilesProcessed: 120}},
	} {
		b.at(j.headway())
	}
	b.end("completed: 120 files")
	for _, want := range []string{"queued, 0 files", "running, 7 files", " 50% ", "running, 120 files", "waits until 1970-01-01T00:00:00Z (busy)", "\rcompleted: 120 files\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %q, want it to hold %q", out.String(), want)
		}
	}
}
