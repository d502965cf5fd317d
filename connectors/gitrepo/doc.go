// Package gitrepo reads git repositories over HTTPS for the connectors of the
// forges. A [Source] is one repository, or its wiki, as a connector reads it: it
// gives listing, changes and content as package domain wants them, by path, and
// knows nothing of pull requests, webhooks or APIs.
//
// A [Client] runs the git program; nothing is ever checked out. In the cache of
// a source lies a bare shallow repository that holds the last commits synced.
// Listings are ls-tree, changes are diff-tree between two commits, content comes
// from one cat-file process. The cache is disposable: without it everything is
// fetched again, and no event comes of that.
//
// The cursor names a commit. While the way from one commit to the next is under
// way it names both: whoever goes on after a crash finishes that way first, for
// what a commit changed and the next one took back shows in no difference
// between the commits around them (I9).
//
// # Why
//
// The git program is three times faster than a library in less memory, and
// thousands of files cost one fetch and no call of a rate-limited API. What it
// reads is hostile: every run of it has a fixed configuration and environment, a
// protocol allow list, a pinned address, no hooks, no prompts and no redirects,
// one host to which the token goes, and limits on time, disk and entries.
package gitrepo
