// Package pipeline hands what changes in sources on to the neighbours of this
// service. A [Stage] is the client of one neighbour; the dispatcher gives it
// batches, keeps the order of each file, waits while the neighbour is in trouble
// and reports what became of each file. The stages are the folders below.
//
// A stage knows how its neighbour wants to be asked and what its answers mean,
// nothing else: no log, no offsets, no retries. [Client] asks over HTTP and tells
// answers that are final from trouble that passes.
//
// # Why
//
// Each event is handed on at least once: a crash repeats what was in flight, under
// the same idempotency key. A neighbour that is down delays and loses nothing, so
// its trouble is never held against an item; only a final answer about an item
// sets it aside as a dead letter, and only once it was asked for alone.
//
// A small request over plain HTTP, which most are, does not go through
// http.Transport, which passes each request and each answer between goroutines. TLS,
// proxies and long bodies are left to it.
package pipeline
