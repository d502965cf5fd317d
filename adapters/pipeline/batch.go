package pipeline

import (
	"context"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// Tried is how often something was asked for, and since when in vain.
type Tried struct {
	Attempts int32
	Repeated bool      // it was asked for again though the neighbour may have had it
	mayHave  bool      // the neighbour may have it, from a try without an answer
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
	msg.Metadata[wire.HeaderAttempts] = strconv.Itoa(int(t.Attempts))
	msg.Metadata[wire.HeaderFirstFailure] = t.First.Format(time.RFC3339Nano)
}

// An item is a thing that waits for its answer.
type item[T any] struct {
	Tried
	thing   T
	ctx     context.Context // ends when nobody waits any more
	class   *class[T]
	once    bool         // trouble is told, not waited out
	answer  chan Outcome // of a batch; holds one; closed when the line stops before it is asked for (again)
	trouble error        // with an empty answer: of the try that it is about
}

// A TroubleError is the neighbour's trouble, as Once tells it.
type TroubleError struct{ Err error }

func (e *TroubleError) Error() string { return e.Err.Error() }

// Unwrap gives what the trouble was.
func (e *TroubleError) Unwrap() error { return e.Err }

// told is what answer gave.
func (i *item[T]) told(o Outcome, ok bool) (Outcome, Tried, error) {
	switch {
	case !ok:
		return Outcome{}, Tried{}, context.Canceled
	case i.trouble != nil:
		return Outcome{}, i.Tried, &TroubleError{i.trouble}
	}
	return o, i.Tried, nil
}

// tell says what a try gave.
func (i *item[T]) tell(o Outcome, trouble error) {
	i.trouble = trouble
	i.answer <- o
}

// drop tells those who wait for batch that nothing more comes of it.
func drop[T any](batch []*item[T]) {
	for _, i := range batch {
		close(i.answer)
	}
}

// Hand joins a batch with thing and waits until that is answered. It returns an
// error only when ctx or the line ends first. again: thing is handed on again.
func (l *Line[T]) Hand(ctx context.Context, thing T, again bool) (Outcome, Tried, error) {
	c := l.fresh
	if again {
		c = l.again
	}
	return l.hand(&item[T]{thing: thing, ctx: ctx, class: c})
}

// Once is Hand for one try of what is handed on again: trouble of the neighbour is a
// *TroubleError, to be waited out with Rest. before is what earlier tries of it gave.
func (l *Line[T]) Once(ctx context.Context, thing T, before Tried) (Outcome, Tried, error) {
	return l.hand(&item[T]{Tried: before, thing: thing, ctx: ctx, class: l.again, once: true})
}

// Rest waits out trouble that Once told of, before try number failed+2. It reports
// false when ctx or the line ends first.
func (l *Line[T]) Rest(ctx context.Context, failed int, trouble *TroubleError) bool {
	return l.again.waitSoft(ctx, failed, trouble.Err)
}

func (l *Line[T]) hand(i *item[T]) (Outcome, Tried, error) {
	if l.Limits.Items == 1 {
		return i.class.alone(i)
	}
	return l.joined(i)
}

// joined is hand for lines with batches.
func (l *Line[T]) joined(i *item[T]) (Outcome, Tried, error) {
	ctx := i.ctx
	i.answer = make(chan Outcome, 1)
	i.class.join(i)
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

// ask asks once for all, which are of one class.
func (l *Line[T]) ask(batch []*item[T]) ([]Outcome, error) {
	things := make([]T, len(batch))
	for n, i := range batch {
		things[n] = i.thing
	}
	outcomes, err := batch[0].class.circuit.try(func() ([]Outcome, error) {
		again := 0
		for _, i := range batch {
			i.Attempts++
			if i.mayHave {
				i.Repeated = true
				again++
			}
		}
		if again > 0 {
			l.Observed(Observed{Repeats: again, Again: batch[0].class.repeats})
		}
		return l.handle(batch[0].class.asking, things)
	})
	part := outcomesIn(err, len(batch))
	for n, i := range batch {
		if err != nil {
			trouble := err
			if part != nil {
				trouble = part[n].Err
			}
			i.mayHave = i.mayHave || mayHave(trouble)
		}
		if err != nil || outcomes[n].State == domain.StageFailed {
			i.failed(l.Clock.Now())
		}
	}
	return outcomes, err
}

// handle is Ask with its promises kept: a panic is a final error.
func (l *Line[T]) handle(ctx context.Context, batch []T) (outcomes []Outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			outcomes, err = nil, panicked(r)
		}
	}()
	outcomes, err = l.Ask(ctx, batch)
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
