// Package github connects repositories on GitHub, github.com and Enterprise
// Server. [Connector] implements domain.Connector and all of its optional
// interfaces but Watcher.
//
// Files come by git; not one call of the API is made for them. Issues, pull
// requests, releases and discussions come from the API, and each is one file of
// its kind with Markdown as content; the wiki is a git repository of its own. All
// that is no file of the repository lies at paths that never change:
//
//	@issues/123.md  @pulls/45.md  @releases/678.md  @discussions/9.md  @wiki/<path>
//
// A file of the repository in one of these folders is a failed item.
//
// A repository is its numeric id: renamed or transferred it stays the same
// source, and another one under its old name is not taken for it.
//
// A listing walks the parts one behind the other: files, wiki, then each kind of
// items. Its last page is complete only when every part came to its proven end
// (I8). The cursor of the feed holds a position for each part.
//
// # Why
//
// Lists of items are paged so that nothing can slip between two pages: issues by
// the time of their last change, which only grows; pull requests by number,
// because none is ever deleted; releases until two readings agree; discussions by
// GitHub's own cursor. A deleted or transferred issue is told by no feed: the
// next full listing misses it.
package github
