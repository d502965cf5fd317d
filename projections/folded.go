package projections

import (
	"cmp"
	"slices"
	"time"
)

// rateWindow is how many seconds a rate looks back.
const rateWindow = 30

// A Folded says how much of a partition this process has folded since it started.
type Folded struct {
	Topic     string
	Partition int32
	Records   int64   // also those that were set aside
	PerSecond float64 // over the last 30 s
}

// Folded counts what was committed, of every partition that this runner ever
// had, by topic and number.
func (r *Runner) Folded() []Folded {
	now := r.waiters.clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Folded, 0, len(r.meters))
	for at, m := range r.meters {
		all = append(all, Folded{Topic: at.topic, Partition: at.number, Records: m.total, PerSecond: m.rate(now)})
	}
	slices.SortFunc(all, func(a, b Folded) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}

// count adds n records to those of a partition.
func (r *Runner) count(at place, n int) {
	now := r.waiters.clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.meters[at]
	if m == nil {
		m = &meter{}
		r.meters[at] = m
	}
	m.add(now, n)
}

// A meter counts, and remembers the last seconds one by one.
type meter struct {
	total  int64
	second [rateWindow]int64 // which one a slot is about
	count  [rateWindow]int64
}

func (m *meter) add(now time.Time, n int) {
	second := now.Unix()
	slot := second % rateWindow
	if m.second[slot] != second {
		m.second[slot], m.count[slot] = second, 0
	}
	m.count[slot] += int64(n)
	m.total += int64(n)
}

func (m *meter) rate(now time.Time) float64 {
	var n int64
	for slot, second := range m.second {
		if second > now.Unix()-rateWindow {
			n += m.count[slot]
		}
	}
	return float64(n) / rateWindow
}

// since is the rate of a meter that began to count at a time, which may be later
// than the window.
func (m *meter) since(now, began time.Time) float64 {
	seconds := now.Sub(began).Seconds()
	if seconds <= 0 {
		return 0
	}
	return m.rate(now) * rateWindow / min(seconds, rateWindow)
}
