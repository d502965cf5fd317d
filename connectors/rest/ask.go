package rest

import "context"

// A Priority says who may use the end of a budget.
type Priority int

// The priorities. The zero one is for what a person or a notice waits for.
const (
	Hint        Priority = iota // may use all of it
	Incremental                 // leaves a twentieth
	Backfill                    // leaves a fifth: first and full listings, and what nobody waits for
)

// spare is the share of a limit that a priority leaves to others, in per cent.
func (p Priority) spare() int {
	switch p {
	case Backfill:
		return 20
	case Incremental:
		return 5
	case Hint:
	}
	return 0
}

// An Ask is what a caller says of its calls.
type Ask struct {
	Route       string // for metrics: one of few words, "issues"
	Priority    Priority
	Bucket      string // a limit of its own at the provider, "graphql"; empty: the common one
	Repeatable  bool   // a POST that changes nothing
	Conditional bool   // the answer to a GET is remembered, and asked for only when it has changed
	Download    bool   // of content: no limit of size, time counts while nothing arrives, may be redirected
}

type askKey struct{}

// With puts a on the calls made under the context.
func With(ctx context.Context, a Ask) context.Context { return context.WithValue(ctx, askKey{}, a) }

// asked is what With put there.
func asked(ctx context.Context) Ask {
	a, _ := ctx.Value(askKey{}).(Ask)
	return a
}

// Asked gives what With put there, to change a part of it.
func Asked(ctx context.Context) Ask { return asked(ctx) }
