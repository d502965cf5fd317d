// Package replay hands out again what is on the log already: to stages of the
// pipeline, or to a topic of somebody's choice. [Service] takes the orders,
// [Runner] carries them out.
//
// A replay reads the log and nothing else: no provider is asked, and no event is
// made. What it hands out are the records as they stand there, under their own
// ids, on a topic of their own, so that what is new need not wait behind them.
//
// # Why
//
// Mode latest scans the log too, and lets pass what a row of the table of files
// names as its last event. So memory is bounded by one chunk whatever the log
// holds, both modes go on from the same marks after a crash, and a receiver gets
// the very records that it got when they were new.
//
// The end of the log is fixed when a replay begins; what comes later is handed on
// as new by everybody, so a replay ends.
package replay
