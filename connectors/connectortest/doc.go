// Package connectortest is the suite that every connector passes, and the world
// in memory that it and the tests of the engine run in.
//
// [World] holds a log, the rows folded from it, packs, key reservations and a
// clock turned by hand, all as the ports of package domain promise them. It
// watches what is appended: an event that breaks an invariant fails the test at
// once. Its log can be cut between any two events and its fold can be paused.
//
// [Run] checks the promises of domain.Connector against a [Fixture]. A new
// connector needs a fixture and a test of three lines.
//
// # Why
//
// A shared promise is tested in one place. The fold here is that of package
// domain and not that of the read tables; that the tables equal the fold is
// tested where the tables are.
package connectortest
