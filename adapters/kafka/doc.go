// Package kafka is the log on Apache Kafka or anything that speaks its protocol:
// [Log] appends events, [Feed] hands them to a projector, [Reader] scans them,
// [Ensure] and [Check] look after the topics.
//
// The form of an event as a record is domain/wire. This package decides where a
// record goes, when it counts as written, and when a log is no longer the one
// that a checkpoint knows. It knows nothing of what events mean, uses no
// transaction and no compaction, and reads no environment.
//
// # Why
//
// A lost answer to a produce is neither success nor failure. The idempotent
// producer repeats a request without writing it twice, in order, for as long as
// it takes; nothing is repeated around it, because only the next run knows what
// is missing. So an append ends in one of three ways: on the log,
// domain.ErrUnavailable or domain.ErrUnknownFate.
//
// There is no delivery timeout: giving up on a record that was sent makes the
// client start a new sequence, and a wait that its caller has given up costs
// memory only, which is bounded.
//
// A feed uses its consumer group for balance alone. Each partition it is given
// is read by a client of its own, from the place that the reader names. So a
// partition that fails, waits or starts again concerns no other one, what is
// read ahead is bounded by one fetch, and no rebalance can mix two assignments.
// Offsets are committed for lag tools and never read.
package kafka
