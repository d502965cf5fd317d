package kafka

// A line is the records of one source that are in the lanes or wait for it.
type line struct {
	active  int  // in the lanes
	closed  bool // by a barrier that is in the lanes
	waiting []*task
}

// stand reports whether t may go to its lane now. A barrier waits for all before
// it, and all behind it wait for the barrier.
func (w *window) stand(t *task) bool {
	t.source = sourceOf(t.record)
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lines[t.source]
	if l == nil {
		l = &line{}
		w.lines[t.source] = l
	}
	if len(l.waiting) > 0 || !l.admits(t) {
		l.waiting = append(l.waiting, t)
		return false
	}
	l.begin(t)
	return true
}

func (l *line) admits(t *task) bool { return !l.closed && (!t.barrier || l.active == 0) }

func (l *line) begin(t *task) { l.active, l.closed = l.active+1, t.barrier }

// release takes t out of its line and gives those that may go now.
func (w *window) release(t *task) []*task {
	l := w.lines[t.source]
	if l == nil {
		return nil
	}
	l.active--
	l.closed = l.closed && l.active > 0
	var freed []*task
	for len(l.waiting) > 0 && l.admits(l.waiting[0]) {
		freed = append(freed, l.waiting[0])
		l.begin(l.waiting[0])
		l.waiting = l.waiting[1:]
	}
	if l.active == 0 {
		delete(w.lines, t.source)
	}
	return freed
}
