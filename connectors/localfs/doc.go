// Package localfs connects folders of the machine that the service runs on
// (provider "localfs", alias "local"). Its one option is rootPath, a folder at or
// below one that the operator allows.
//
// A [Connector] has no feed: the truth is a walk. It lists in the byte order of
// the raw paths, so that the engine compares as it goes. Regular files are items,
// symlinks are items without content and are never followed; whatever else it
// meets, or cannot read, is an item failure and stops nothing.
//
// What it read it remembers in Scope.Cache: the digest of a file whose device,
// inode, birth time, size, times of modification and of change are as they were
// is known without reading it. A file that changed within two seconds of being
// read is not remembered (git's racy rule). Losing the cache, or a part of it,
// costs reading and nothing else. Elsewhere than on Linux nothing is remembered.
//
// A walk is complete only when the root is the same folder before and after it;
// a root that vanished, was replaced or unmounted is ErrGone. A mount point below
// the root that is unmounted looks like an empty folder: the engine's valve is
// what holds there.
//
// [Connector.Changed] compares a walk with what the last one saw, and reads no
// content. [Connector.Watch] has the system's notices of every folder that the
// filters keep; what is not noticed is found by the poll: a change on a network
// file system, one below a mount point that comes or goes, one in a folder beyond
// what can be watched.
//
// # Memory
//
// Per watch: its folders, about 1 KB each, most of it in the kernel, at most 65,536
// of them.
//
// Of what was read: 8 KB of records for each of at most 64 caches, which are on
// their way to a journal.
//
// Per walk: a page, the names of the directories on the way down, 12 MB to sort
// what was read since the last walk and, when a file appears that the last walk
// did not see, 16 bytes for each file it saw, at most 16 MB.
//
// # Why
//
// Notices of the file system are lost on overflow, do not recurse and do not
// exist on network file systems; times of modification can be set. So neither is
// believed: the first are hints at most, the second only together with the time
// of change, which no program can set.
package localfs
