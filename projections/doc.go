// Package projections is the log as tables: it folds the events of each
// partition and keeps the result in schema read of Postgres, where the API, the
// scheduler and the sync engine look things up.
//
// [Ensure] makes the tables, or says whose they are. [Runner] fills them; a
// domain.Feeder calls it.
// [Reader] is every question that the service asks of them. [Waiters] lets a
// writer wait until its event is folded, and says when sources or jobs changed.
// [Rebuild] fills the tables anew while they serve, and compares them with the log.
// [Poison] tries again, or leaves out, what could not be folded.
// The pool that all of them share resolves plain table names in [Schema].
//
// It keeps nothing that the log does not give back: dropping the schema and
// starting again fills the same rows. One table is not in that schema: the records
// that a person left out for good, app.skipped_records, because a log filled anew
// would bring them back. It has no side effect outside Postgres.
//
// # Why
//
// One checkpoint per topic and partition serves all tables, so that they always
// agree with each other, and it commits with the rows (I4): offsets kept anywhere
// else would be a second truth. A checkpoint moves by compare-and-set as the
// first statement of its transaction; a runner that lost its partition without
// knowing it writes nothing. Rows of files are guarded by their (run, seq), never
// by an offset: a late duplicate has a higher offset and older content.
package projections
