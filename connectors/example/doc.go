// Package example is the smallest connector with a feed, to read and to copy. It
// is not part of the service. It reads an API of three calls, which carry
// "Authorization: Bearer <token>" when the source has a credential:
//
//	GET /items?after=P        {"items": [{"id", "path", "version", "size"}], "next": "P2", "end": false}
//	GET /changes?since=C      {"items": [{..., "deleted": true}], "next": "C2", "end": true}
//	GET /items/{id}/content   the bytes, their version in X-Version
//
// A page with "end" is the last one; one with neither "end" nor "next" is
// truncated. An empty page may name a next one. GET /changes without since gives
// the present end of the feed. 410 says that C is forgotten.
//
// To write a connector, copy this folder and change, in this order: what
// Describe tells, what Validate calls the source, one page of the listing, one
// page of the feed, the fetching, and classify, the one place that knows the
// provider's errors. Then make the fixture of the test hold what the new provider
// holds; the suite says what is missing.
//
// # Why
//
// A connector says what is there and nothing else. Ids, renames, retries,
// deletes, filters, content and cursors that count are the engine's: none of it
// is here.
package example
