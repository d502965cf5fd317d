// Package redis keeps the queue of jobs on Redis. [Client] is the connection,
// [Queue] implements [domain.Queue]. Everything in it is derived from the log: a
// flushed Redis delays jobs and loses none, so no promise of the service rests on
// what is here (I3). [Budget] counts calls at providers over all replicas.
//
// Each operation is one Lua script and therefore atomic; scripts/lib.lua lists
// the keys. All of them lie under one hash tag below a configurable prefix. Time
// is the server's, so that workers whose clocks differ agree on who holds what.
// The same scripts run on miniredis in process.
//
// It does not decide when a job is tried again, nor how often: the log knows, and
// a ticket says it.
//
// # Why
//
// Ready-made queues lock by a hash of the payload or by a time, keep failed work
// in a store of their own and know no limits per provider. Here a source is in
// the queue exactly once, a claim honours caps and is fair between owners, and
// the cost of a claim does not grow with the length of the queue beyond the
// logarithm of a sorted set.
package redis
