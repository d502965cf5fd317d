// Package httpapi is the REST API: it reads requests, calls the use cases of
// package ingest and the readers it is given, and writes replies. Make a
// [Server] from [Parts] with [New]; [Serve] runs it until its context ends.
//
// It decides nothing about sources, keeps nothing but counts of requests and open
// streams, and opens nothing by itself.
// What it needs of others it declares in small interfaces ([Commands], [Changes],
// [Sources], [Files], [Jobs], [Events], [Contents], [Authenticator], ...); wiring
// joins them. Callers are known by [APIKeys], [TrustedHeader] or [Loopback].
//
// # Promises
//
//   - Every error is {"error": {"code", "message", "details"}}, also that of an
//     unknown route, a refused method or a panic. Bad input is a 400 whose details
//     name each field, what is wrong with it and what is allowed. Inner errors are
//     logged under the correlation id of the reply and never shown.
//   - I10: all reads and commands carry the caller's owner; what belongs to another
//     owner answers exactly as what does not exist. What is no owner's (runs,
//     projections, poison) is shown to the right operate alone, which a gateway's
//     users never have.
//   - I5: a write is answered when its event is durable: 2xx with Log-Position, 202
//     when it is not folded yet. A read with Min-Log-Position waits for the fold.
//   - Every command, done or refused, is one line "audit" in the log: who, what, about
//     which source or job, and what became of it; never what was in it.
//   - A stream of events ends with its client, its source and its server, and never
//     holds up a stop.
//   - Content is sent only as far as it is verified: a damaged file ends in a broken
//     connection, never in a complete body.
//
// # Why
//
// One body serves two kinds of callers: the documented shapes (camelCase) and
// the platform's gateway, whose client reads a few snake_case names and a narrow
// set of values beside them. Both are in one struct per noun, so that they cannot
// come apart.
//
// huma derives the OpenAPI document from the input and output structs; its
// validation is kept, its error bodies and its lenient reading of JSON (folded
// case, duplicate names) are not.
package httpapi
