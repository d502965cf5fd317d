package pipeline

import (
	"context"
	"time"

	"github.com/confuse/data-connector/domain"
)

// An item is a handover that waits for its answer.
type item struct {
	Handover
	ctx      context.Context // ends when nobody waits any more
	answer   chan Outcome    // holds one
	attempts int
	first    time.Time // of the first failure; zero: none
}

func (i *item) failed(at time.Time) {
	if i.first.IsZero() {
		i.first = at
	}
}

// hand joins a batch and waits until that is answered. It returns an error only
// when ctx or the dispatcher ends first.
func (d *Dispatcher) hand(ctx context.Context, h Handover) (Outcome, *item, error) {
	if err := d.files.lock(ctx, h.File.FileID); err != nil {
		return Outcome{}, nil, err
	}
	defer d.files.unlock(h.File.FileID)
	i := &item{Handover: h, ctx: ctx, answer: make(chan Outcome, 1)}
	d.join(i)
	select {
	case o := <-i.answer:
		return o, i, nil
	case <-ctx.Done():
		return Outcome{}, nil, ctx.Err()
	case <-d.soft.Done():
	}
	select { // what was asked already may still be answered
	case o := <-i.answer:
		return o, i, nil
	case <-ctx.Done():
		return Outcome{}, nil, ctx.Err()
	case <-d.hard.Done():
		return Outcome{}, nil, d.hard.Err()
	}
}

// join adds i to the batch that is being filled. A batch leaves when it is full,
// or when its first item has waited long enough.
func (d *Dispatcher) join(i *item) {
	limits := d.Stage.Limits()
	d.mu.Lock()
	defer d.mu.Unlock()
	if limits.Bytes > 0 && len(d.filling) > 0 && d.fillingBytes+i.Size() > limits.Bytes {
		d.leave()
	}
	d.filling, d.fillingBytes = append(d.filling, i), d.fillingBytes+i.Size()
	if limits.Items > 0 && len(d.filling) >= limits.Items || limits.Bytes > 0 && d.fillingBytes >= limits.Bytes {
		d.leave()
		return
	}
	if len(d.filling) == 1 {
		wait := limits.Wait
		if wait == 0 {
			wait = DefaultWait
		}
		number := d.number
		time.AfterFunc(wait, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.number == number {
				d.leave()
			}
		})
	}
}

// leave sends the batch off. mu is held.
func (d *Dispatcher) leave() {
	batch := d.filling
	d.filling, d.fillingBytes = nil, 0
	d.number++
	if len(batch) > 0 {
		go d.run(batch)
	}
}

// run asks for batch until each of its items is answered or given up.
func (d *Dispatcher) run(batch []*item) {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-d.soft.Done():
		return
	}
	d.settle(batch)
}

// settle is run in its slot.
func (d *Dispatcher) settle(batch []*item) {
	for failed := 0; ; failed++ {
		batch = waitedFor(batch)
		if len(batch) == 0 || d.soft.Err() != nil {
			return
		}
		outcomes, err := d.ask(batch)
		switch {
		case err == nil:
			for n, i := range batch {
				i.answer <- outcomes[n]
			}
			return
		case IsFinal(err) && len(batch) == 1:
			batch[0].answer <- Failed(err)
			return
		case IsFinal(err): // one of them is guilty
			half := len(batch) / 2
			d.settle(batch[:half])
			d.settle(batch[half:])
			return
		}
		if !d.wait(d.soft, failed, err) {
			return
		}
	}
}

// waitedFor leaves out what nobody waits for: its partition went to another
// process, which hands it on itself.
func waitedFor(batch []*item) []*item {
	var left []*item
	for _, i := range batch {
		if i.ctx.Err() == nil {
			left = append(left, i)
		}
	}
	return left
}

// ask asks once for all.
func (d *Dispatcher) ask(batch []*item) ([]Outcome, error) {
	handovers := make([]Handover, len(batch))
	for n, i := range batch {
		handovers[n] = i.Handover
	}
	outcomes, err := d.circuit.try(func() ([]Outcome, error) {
		for _, i := range batch {
			i.attempts++
		}
		return d.handle(handovers)
	})
	if err != nil {
		now := d.Clock.Now()
		for _, i := range batch {
			i.failed(now)
		}
	}
	return outcomes, err
}

// handle is Stage.Handle with its promises kept: a panic is a final error.
func (d *Dispatcher) handle(batch []Handover) (outcomes []Outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			outcomes, err = nil, panicked(r)
		}
	}()
	outcomes, err = d.Stage.Handle(d.hard, batch)
	if err == nil && len(outcomes) != len(batch) {
		return nil, Final(errOutcomes)
	}
	for n := range outcomes {
		if outcomes[n].State == "" {
			outcomes[n].State = domain.StageDone
		}
	}
	return outcomes, err
}
