// Package neighbourtest has stand-ins for the neighbours of the pipeline. They
// take exactly what the real ones take, refuse the rest as those do (plain text,
// 400, 413, 415, 422, at most 2 MiB), answer what those answer, and misbehave on
// demand. [Chunker], [Graph], [Embeddings] and [Normalizer] are on a [Server]
// each. In one thing they are stricter: a request has an idempotency key, which no
// request with another body has had.
//
// # Why
//
// The real ones are services of their own and not part of this repository. What
// their route tables and types accept is written down here as code, so that a
// stage that passes works with them unseen.
package neighbourtest
