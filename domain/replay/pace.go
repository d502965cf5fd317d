package replay

import (
	"context"
	"slices"
	"time"
)

// pace waits until n more events keep to the rate.
func (w *work) pace(ctx context.Context, n int) error {
	if w.claim.Rate == 0 {
		return nil
	}
	for now := w.Clock.Now(); now.Before(w.free); now = w.Clock.Now() {
		if err := w.rest(ctx, min(beat, w.free.Sub(now))); err != nil {
			return err
		}
	}
	w.free = w.Clock.Now().Add(time.Duration(float64(n) / float64(w.claim.Rate) * float64(time.Second)))
	return nil
}

// keepUp waits until no stage is more than ahead records behind.
func (w *work) keepUp(ctx context.Context, ahead int64) error {
	if w.claim.Topic != "" || w.claim.Dry || len(w.claim.Progress.Ends) == 0 {
		return nil
	}
	for {
		behind, err := w.behind(ctx)
		if err != nil {
			return err
		}
		switch {
		case behind <= w.ahead/4:
			w.ahead = min(2*w.ahead, mostAhead)
		case behind > w.ahead:
			w.ahead = max(w.ahead/2, leastAhead)
		}
		if behind <= ahead {
			return nil
		}
		if err := w.rest(ctx, beat); err != nil {
			return err
		}
	}
}

// behind is how many records the slowest stage has not done with, of those that ran
// at some time since the replay began. One that has stopped is waited for: it may
// have handed on half of what it had taken.
func (w *work) behind(ctx context.Context) (int64, error) {
	running, err := w.running(ctx)
	if err != nil {
		return 0, err
	}
	w.claim.Error = ""
	var most int64
	for _, stage := range w.claim.Progress.Stages {
		n, err := w.Behind(ctx, stage, w.claim.Progress.Ends)
		if err != nil {
			return 0, err
		}
		if n > 0 && !slices.Contains(running, stage) {
			w.claim.Error = "stage " + stage + " runs nowhere; it goes on when that does"
		}
		most = max(most, n)
	}
	return most, nil
}

// running are the stages that run. Those that the replay is for are noted.
func (w *work) running(ctx context.Context) ([]string, error) {
	now := w.Clock.Now()
	if w.stages != nil && now.Sub(w.asked) < beat {
		return w.stages, nil
	}
	running, err := w.Stages(ctx)
	if err != nil {
		return nil, err
	}
	w.stages, w.asked = running, now
	p := &w.claim.Progress
	for _, stage := range running {
		if (len(w.claim.Stages) == 0 || slices.Contains(w.claim.Stages, stage)) && !slices.Contains(p.Stages, stage) {
			p.Stages = append(p.Stages, stage)
		}
	}
	return running, nil
}

// rest waits, and looks whether to go on.
func (w *work) rest(ctx context.Context, d time.Duration) error {
	select {
	case <-w.Clock.After(d):
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.Clock.Now().Sub(w.saved) < beat {
		return nil
	}
	return w.save(ctx)
}
