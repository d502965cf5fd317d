package main

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/confuse/data-connector/domain"
)

// A headway is how far something is.
type headway struct {
	state string // a new one is shown at once
	done  int64
	total int64  // 0: not known
	unit  string // of both
	more  string // what a line says behind the state
}

// A progress shows how far something is.
type progress interface {
	at(s headway)
	// end shows a last line, none when it is empty.
	end(line string)
}

// newProgress shows a bar on a terminal, lines elsewhere.
func (c *command) newProgress() progress {
	if terminal(c.err) {
		return &bar{w: c.err}
	}
	return &lines{w: c.err, clock: c.clock}
}

// A bar is drawn again in place: with a share done where that is known, else
// turning, with a count.
type bar struct {
	w     io.Writer
	drawn *progressbar.ProgressBar
	total int64 // of the bar; -1: unknown
}

func (b *bar) at(s headway) {
	total := cmp.Or(s.total, -1)
	if b.drawn == nil || total != b.total {
		b.clear()
		b.total = total
		b.drawn = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(b.w), progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(total > 0),
			progressbar.OptionSetSpinnerChangeInterval(0)) // else it goes on drawing by itself, for ever
	}
	b.drawn.Describe(fmt.Sprintf("%s, %d %s", s.state, s.done, s.unit))
	if total > 0 {
		_ = b.drawn.Set64(min(s.done, total-1)) // a bar that is not drawn costs nothing; a full one ends
	}
}

func (b *bar) clear() {
	if b.drawn != nil {
		_ = b.drawn.Clear() // as above
	}
}

func (b *bar) end(line string) {
	b.clear()
	if line != "" {
		_, _ = fmt.Fprintln(b.w, line) // as above
	}
}

// lines are written when the state changes, and now and then.
type lines struct {
	w     io.Writer
	clock domain.Clock
	state string
	told  time.Time
}

func (l *lines) at(s headway) {
	now := l.clock.Now()
	if s.state == l.state && now.Sub(l.told) < tellEvery {
		return
	}
	l.state, l.told = s.state, now
	_, _ = fmt.Fprintln(l.w, s.state+s.more) // nobody looks
}

func (l *lines) end(line string) {
	if line != "" {
		_, _ = fmt.Fprintln(l.w, line) // as above
	}
}

// headway is how far a job is.
func (j jobReply) headway() headway {
	s := headway{state: describe(j), done: j.Stats.FilesProcessed, unit: "files"}
	if j.Progress != nil && j.Stats.FilesTotal > 0 {
		s.total = j.Stats.FilesTotal
	}
	if s.done > 0 {
		s.more = ": " + j.Stats.String()
	}
	if j.Progress != nil && *j.Progress > 0 {
		s.more += ", " + j.percent()
	}
	return s
}

// describe is the state of a job, with why it waits.
func describe(j jobReply) string {
	if !j.RetryAt.IsZero() && j.Status == "queued" {
		return fmt.Sprintf("waits until %s (%s)", when(j.RetryAt), oneLine(j.Error))
	}
	return j.Status
}
