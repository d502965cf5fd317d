package pipeline

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// Tried is how often something was asked for, and since when in vain.
type Tried struct {
	Attempts int
	First    time.Time // of the first failure; zero: none
}

func (t *Tried) failed(at time.Time) {
	if t.First.IsZero() {
		t.First = at
	}
}

// Note keeps t where the dead letter of a message takes it from.
func (t Tried) Note(msg *message.Message) {
	if t.First.IsZero() {
		return
	}
	msg.Metadata[wire.HeaderAttempts] = strconv.Itoa(t.Attempts)
	msg.Metadata[wire.HeaderFirstFailure] = t.First.Format(time.RFC3339Nano)
}

// An item is a thing that waits for its answer.
type item[T any] struct {
	Tried
	thing  T
	ctx    context.Context // ends when nobody waits any more
	answer chan Outcome    // holds one; closed when the line stops before it is asked for (again)
}

// told is what answer gave.
func (i *item[T]) told(o Outcome, ok bool) (Outcome, Tried, error) {
	if !ok {
		return Outcome{}, Tried{}, context.Canceled
	}
	return o, i.Tried, nil
}

// drop tells those who wait for batch that nothing more comes of it.
func drop[T any](batch []*item[T]) {
	for _, i := range batch {
		close(i.answer)
	}
}

// Hand joins a batch with thing and waits until that is answered. It returns an
// error only when ctx or the line ends first.
func (l *Line[T]) Hand(ctx context.Context, thing T) (Outcome, Tried, error) {
	i := &item[T]{thing: thing, ctx: ctx, answer: make(chan Outcome, 1)}
	if l.Limits.Items == 1 {
		return l.alone(ctx, i)
	}
	l.join(i)
	select {
	case o, ok := <-i.answer:
		return i.told(o, ok)
	case <-ctx.Done():
		return Outcome{}, Tried{}, ctx.Err()
	case <-l.soft.Done():
	}
	select { // what was asked already may still be answered
	case o, ok := <-i.answer:
		return i.told(o, ok)
	case <-ctx.Done():
		return Outcome{}, Tried{}, ctx.Err()
	case <-l.hard.Done():
		return Outcome{}, Tried{}, l.hard.Err()
	}
}

// alone gives i to a worker once one is free: there is no batch to wait for. The
// worker answers, or gives up when the line ends.
func (l *Line[T]) alone(ctx context.Context, i *item[T]) (Outcome, Tried, error) {
	select {
	case l.single <- i:
	case <-ctx.Done():
		return Outcome{}, Tried{}, ctx.Err()
	case <-l.soft.Done():
		return Outcome{}, Tried{}, l.soft.Err()
	}
	select {
	case o, ok := <-i.answer:
		return i.told(o, ok)
	case <-ctx.Done():
		return Outcome{}, Tried{}, ctx.Err()
	}
}

// worker asks for one item after the other. It is not the goroutine of a message that
// asks: each of those would have to grow its stack.
func (l *Line[T]) worker() {
	for {
		select {
		case i := <-l.single:
			l.settle(i.ctx, []*item[T]{i})
		case <-l.soft.Done():
			return
		}
	}
}

// join adds i to the batch that is being filled. A batch leaves when it is full,
// or when its first item has waited long enough.
func (l *Line[T]) join(i *item[T]) {
	limits, size := l.Limits, l.Size(i.thing)
	l.mu.Lock()
	defer l.mu.Unlock()
	if limits.Bytes > 0 && len(l.filling) > 0 && l.fillingBytes+size > limits.Bytes {
		l.leave()
	}
	l.filling, l.fillingBytes = append(l.filling, i), l.fillingBytes+size
	if limits.Items > 0 && len(l.filling) >= limits.Items || limits.Bytes > 0 && l.fillingBytes >= limits.Bytes {
		l.leave()
		return
	}
	if len(l.filling) == 1 {
		wait := limits.Wait
		if wait == 0 {
			wait = DefaultWait
		}
		number := l.number
		time.AfterFunc(wait, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.number == number {
				l.leave()
			}
		})
	}
}

// leave sends the batch off. mu is held.
func (l *Line[T]) leave() {
	batch := l.filling
	l.filling, l.fillingBytes = nil, 0
	l.number++
	if len(batch) > 0 {
		go l.run(batch)
	}
}

// run asks for batch until each of its items is answered or given up.
func (l *Line[T]) run(batch []*item[T]) {
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-l.soft.Done():
		drop(batch)
		return
	}
	l.settle(l.soft, batch)
}

// settle is run in its slot. It begins no further try once ctx or the line has ended.
func (l *Line[T]) settle(ctx context.Context, batch []*item[T]) {
	for failed := 0; ; failed++ {
		if batch = waitedFor(batch); len(batch) == 0 {
			return
		}
		if ctx.Err() != nil || l.soft.Err() != nil {
			drop(batch)
			return
		}
		outcomes, err := l.ask(batch)
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
			l.settle(ctx, batch[:half])
			l.settle(ctx, batch[half:])
			return
		}
		if !l.waitSoft(ctx, failed, err) {
			drop(batch)
			return
		}
	}
}

// waitedFor leaves out what nobody waits for: its partition went to another
// process, which hands it on itself.
func waitedFor[T any](batch []*item[T]) []*item[T] {
	return slices.DeleteFunc(batch, func(i *item[T]) bool { return i.ctx.Err() != nil })
}

// ask asks once for all.
func (l *Line[T]) ask(batch []*item[T]) ([]Outcome, error) {
	things := make([]T, len(batch))
	for n, i := range batch {
		things[n] = i.thing
	}
	outcomes, err := l.circuit.try(func() ([]Outcome, error) {
		for _, i := range batch {
			i.Attempts++
		}
		return l.handle(things)
	})
	for n, i := range batch {
		if err != nil || outcomes[n].State == domain.StageFailed {
			i.failed(l.Clock.Now())
		}
	}
	return outcomes, err
}

// handle is Ask with its promises kept: a panic is a final error.
func (l *Line[T]) handle(batch []T) (outcomes []Outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			outcomes, err = nil, panicked(r)
		}
	}()
	outcomes, err = l.Ask(l.hard, batch)
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
