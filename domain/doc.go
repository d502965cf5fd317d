// Package domain is the language of data-connector: the events on the log, the
// fold that says what a sequence of them means, the ids, the errors, and the
// ports through which the use cases reach the outside. It does no I/O and knows
// no clock, no broker and no database.
//
// Start with [SourceChanged] and [FileChanged], the two events, then [Source],
// the fold of the first, then [Connector], what a provider has to offer.
//
// # Invariants
//
// The line of code that keeps one of these names it.
//
//   - I1: content is durable in the content store before the event that mentions
//     it is appended.
//   - I2: FileChanged events take effect as they are folded; the sync_progressed
//     behind a page makes its cursor count and is appended only after every
//     FileChanged of the page is acknowledged, to the same partition. After a cut
//     the page is listed again and only what is missing is emitted, under the ids
//     it would have had.
//   - I3: one writer per source, decided by the log: a run claims with
//     sync_started, waits until the claim is folded and stops if it lost; every
//     reader ignores events whose run is not the current one. No correctness
//     rests on a lease, a clock or a Kafka transaction.
//   - I4: rows and the checkpoint they came from commit in one Postgres
//     transaction; the read tables are always a prefix of each partition, less
//     what the table poison lists.
//   - I5: nothing is acknowledged before it is durable.
//   - I6: an event's meaning never changes; readers skip values they do not know;
//     old events stay readable.
//   - I7: no secret, no file content, no person's name or mail address on the
//     log; no secret in Redis, a log line, an error, a metric or an answer.
//   - I8: deletes inferred from absence need a proven complete listing, and a mass
//     delete above the valve is held until someone releases it.
//   - I9: a cursor moves only with its page; a lost or expired cursor leads to a
//     full listing and the exact difference, never to a gap or a re-announcement
//     of unchanged files.
//   - I10: every read and command is scoped to the caller's owner id; another
//     owner's source answers exactly as an unknown one.
//
// # Why
//
// The log orders, the fold decides. A log has no "append if the version is N",
// so a command may append what a concurrent one has made void; the fold then
// ignores it, the same for every reader, and the command learns it by waiting
// for its own event to be folded.
package domain
