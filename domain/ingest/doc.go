// Package ingest holds the use cases: connecting a source, asking for a sync,
// deciding which source is due, running a job, removing a source. It needs
// nothing but the ports of package domain.
//
// [Service] takes commands: it validates, appends one event and answers from the
// fold. [Scheduler] turns due sources into jobs and keeps the queue filled.
// [Worker] takes jobs from the queue, and [Engine] runs them: it owns what every
// connector would otherwise get wrong - claims, pages, packs, ids, cursors,
// reset and difference, completeness, the valve, filters and languages.
//
// # A run
//
// A run claims the source on the log (I3), and only when its claim is folded it
// reads cursor and known files. Then it does one of:
//
//   - first listing: pages become events as they come, the cursor moves with each
//     page, a cut is resumed. It infers no delete.
//   - re-listing: the listing is compared with the rows as it comes; what differs
//     is spooled on disk. Nothing is emitted and no cursor moves before the
//     listing is complete. Then vanished and new files are joined to renames by
//     digest or revision, changes are emitted, and what is left of the vanished
//     is removed, unless the valve holds it (I8). Cut short, it starts over.
//   - feed: pages of changes since the cursor, which moves with each page.
//   - removal: a removed event for every live file, then the end of the source.
//
// # Why
//
// A change is never taken from a connector as it is: it is resolved to a target
// state and compared with the known one, the rows plus the run's own events that
// are not folded yet. So a page sent twice, a rename that was none or a feed that
// repeats itself emits nothing, and a run cut anywhere emits exactly what is
// missing, under the ids it would have had (I2).
package ingest
