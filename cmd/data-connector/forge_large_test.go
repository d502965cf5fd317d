package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// The largest deliveries, several at once, are verified, read and taken by the
// service with little more memory than one of them has.
func TestForgeLargeDeliveries(t *testing.T) {
	t.Parallel()

	const largest, extra = 25 << 20, 64 // bytes, MiB
	f := newForge(t)
	f.repo.Commit("main", gittest.Put("a", "a"))
	f.serve()
	f.connect(nil)
	head, err := json.Marshal(payload{"ref": "refs/heads/main", "repository": f.about()})
	if err != nil {
		t.Fatal(err)
	}
	head = append(bytes.TrimSuffix(head, []byte("}")), `,"commits":["`...)
	before := f.server.memory(t, "VmRSS")
	f.server.forgetPeak(t)
	var senders sync.WaitGroup
	var taken atomic.Int32
	for i := range 3 {
		body := append(bytes.Clone(head), bytes.Repeat([]byte{byte('a' + i)}, largest-len(head)-len(`"]}`))...)
		body = append(body, `"]}`...)
		senders.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.server.URL+"/webhooks/github", bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			if i == 1 {
				req.ContentLength = -1 // it is not told
			}
			req.Header = signed(forgeSecret, "push", fmt.Sprint("large-", i), body)
			req.Header.Set("Content-Type", "application/json")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close() // the status says it all
			if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
				t.Logf("delivery %d: told to come again", i) // one large one at a time, and the machine is busy
				return
			}
			if resp.StatusCode != http.StatusOK {
				t.Errorf("delivery %d of %d bytes: got %s", i, len(body), resp.Status)
			}
			taken.Add(1)
		})
	}
	senders.Wait()
	if taken.Load() == 0 {
		t.Error("none was taken")
	}
	got := f.server.memory(t, "VmHWM") - before
	t.Logf("%d MiB more than %d before", got, before)
	if underRace {
		t.Log("not judged under the race detector, whose own memory counts")
	} else if got > extra {
		t.Errorf("got %d MiB more than before, want at most %d", got, extra)
	}
	f.server.stop(t)
}

// memory is what Linux tells of the memory of c, in MiB.
func (c *child) memory(t *testing.T, field string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), field+":")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

// forgetPeak makes VmHWM begin anew (proc(5), clear_refs).
func (c *child) forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", c.cmd.Process.Pid), []byte("5"), 0o600); err != nil {
		t.Fatal(err)
	}
}
