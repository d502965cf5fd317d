// Package postgres is schema app of the database, which the log cannot give
// back: reserved source keys ([Reservations]), idempotency keys ([Idempotency])
// and API keys ([APIKeys]). [Open] makes the pool that the whole process shares,
// [Migrate] brings the schema up to date.
//
// Its tables are always written app.<table>. Plain names are the read tables of
// package projections, which the pool's search_path points at.
package postgres
