package pipeline

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A class is of what a line brings: what is new, or what is handed on again. The
// neighbour may have trouble with one of them alone, such as old states that it cannot
// take; so each has a circuit and batches of its own, and what waits for the next try
// keeps no call busy.
type class[T any] struct {
	*Line[T]
	repeats bool // it is of what is handed on again
	circuit *circuit
	asking  context.Context // Line.hard, for what is asked: it tells what goes out twice
	calls   chan struct{}   // of the line's, those that this class may make at once; nil: all

	mu           sync.Mutex
	filling      []*item[T]
	fillingBytes int64
	number       int // of the batch that is being filled
}

// againCalls is how many of a line's calls may be for what is handed on again: however
// long the neighbour takes for those, some are left for what is new.
func againCalls(parallel int) int { return max(1, parallel*3/4) }

// begin takes a call; false: the line stops.
func (c *class[T]) begin(ctx context.Context) bool {
	if c.calls == nil {
		return true
	}
	select {
	case c.calls <- struct{}{}:
		return true
	case <-ctx.Done():
	case <-c.soft.Done():
	}
	return false
}

func (c *class[T]) end() {
	if c.calls != nil {
		<-c.calls
	}
}

// alone asks for i once a call is free: there is no batch to wait for. It waits trouble
// out, unless that is to be told.
func (c *class[T]) alone(i *item[T]) (Outcome, Tried, error) {
	for failed := 0; ; failed++ {
		outcome, trouble := c.askAlone(i)
		switch {
		case trouble == nil:
			return outcome, i.Tried, nil
		case errors.Is(trouble, errGivenUp):
			return Outcome{}, Tried{}, context.Canceled
		case i.once:
			return Outcome{}, i.Tried, &TroubleError{trouble}
		}
		if !c.waitSoft(i.ctx, failed, trouble) {
			return Outcome{}, Tried{}, context.Canceled
		}
	}
}

// errGivenUp is what became of an item for which nobody was asked.
var errGivenUp = errors.New("the line stops, or nobody waits")

// askAlone asks once for i. It is not part of alone: while it waits for its turn and for
// the answer nothing else is kept.
func (c *class[T]) askAlone(i *item[T]) (Outcome, error) {
	if !c.begin(i.ctx) {
		return Outcome{}, errGivenUp
	}
	defer c.end()
	if !c.turn(i.ctx) {
		return Outcome{}, errGivenUp
	}
	defer func() { <-c.slots }()
	outcomes, err := c.ask([]*item[T]{i})
	switch {
	case err == nil:
		return outcomes[0], nil
	case IsFinal(err):
		return Failed(err), nil
	}
	return Outcome{}, err
}

// turn waits until one of the line's calls is free; false: nobody is to be asked.
func (c *class[T]) turn(ctx context.Context) bool {
	select {
	case c.slots <- struct{}{}: // mostly one is free, and one channel is cheaper than three
	default:
		select {
		case c.slots <- struct{}{}:
		case <-ctx.Done():
			return false
		case <-c.soft.Done():
			return false
		}
	}
	if ctx.Err() != nil || c.soft.Err() != nil {
		<-c.slots
		return false
	}
	return true
}

// join adds i to the batch that is being filled. A batch leaves when it is full,
// or when its first item has waited long enough.
func (c *class[T]) join(i *item[T]) {
	limits, size := c.Limits, c.Size(i.thing)
	c.mu.Lock()
	defer c.mu.Unlock()
	if limits.Bytes > 0 && len(c.filling) > 0 && c.fillingBytes+size > limits.Bytes {
		c.leave()
	}
	c.filling, c.fillingBytes = append(c.filling, i), c.fillingBytes+size
	if limits.Items > 0 && len(c.filling) >= limits.Items || limits.Bytes > 0 && c.fillingBytes >= limits.Bytes {
		c.leave()
		return
	}
	if len(c.filling) == 1 {
		wait := limits.Wait
		if wait == 0 {
			wait = DefaultWait
		}
		number := c.number
		time.AfterFunc(wait, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.number == number {
				c.leave()
			}
		})
	}
}

// leave sends the batch off. mu is held.
func (c *class[T]) leave() {
	batch := c.filling
	c.filling, c.fillingBytes = nil, 0
	c.number++
	if len(batch) > 0 {
		go c.settle(batch)
	}
}

// settle asks for batch until each of its items is answered or given up. It begins no
// further try once the line has ended.
func (c *class[T]) settle(batch []*item[T]) {
	for failed := 0; ; failed++ {
		outcomes, left, err := c.try(batch)
		switch batch = unanswered(left, err); {
		case len(batch) == 0:
			return
		case err == nil:
			for n, i := range batch {
				i.tell(outcomes[n], nil)
			}
			return
		case IsFinal(err) && len(batch) == 1:
			batch[0].tell(Failed(err), nil)
			return
		case IsFinal(err): // one of them is guilty
			half := len(batch) / 2
			c.settle(batch[:half])
			c.settle(batch[half:])
			return
		}
		if batch = stillPatient(batch, err); len(batch) == 0 {
			return
		}
		if !c.waitSoft(c.soft, failed, err) {
			drop(batch)
			return
		}
	}
}

// try asks once, when a call is free, for those of batch that are waited for: left.
func (c *class[T]) try(batch []*item[T]) (outcomes []Outcome, left []*item[T], err error) {
	if !c.begin(c.soft) {
		drop(batch)
		return nil, nil, nil
	}
	defer c.end()
	if !c.turn(c.soft) {
		drop(batch)
		return nil, nil, nil
	}
	defer func() { <-c.slots }()
	if left = waitedFor(batch); len(left) == 0 {
		return nil, nil, nil
	}
	outcomes, err = c.ask(left)
	return outcomes, left, err
}

// waitedFor leaves out what nobody waits for: its partition went to another
// process, which hands it on itself.
func waitedFor[T any](batch []*item[T]) []*item[T] {
	return slices.DeleteFunc(batch, func(i *item[T]) bool { return i.ctx.Err() != nil })
}

// unanswered tells what err knows of a part of batch, and gives the rest.
func unanswered[T any](batch []*item[T], err error) []*item[T] {
	outcomes := outcomesIn(err, len(batch))
	if outcomes == nil {
		return batch
	}
	var left []*item[T]
	for n, i := range batch {
		if outcomes[n].State == "" {
			left = append(left, i)
			continue
		}
		i.tell(outcomes[n], nil)
	}
	return left
}

// stillPatient tells trouble to those of batch that want to know, and leaves them out.
func stillPatient[T any](batch []*item[T], trouble error) []*item[T] {
	return slices.DeleteFunc(batch, func(i *item[T]) bool {
		if i.once {
			i.tell(Outcome{}, trouble)
		}
		return i.once
	})
}
