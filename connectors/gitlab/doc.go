// Package gitlab connects repositories of GitLab, gitlab.com and self-managed.
// [Connector] implements domain.Connector and all of its optional interfaces but
// Watcher.
//
// Files come by git; not one call of the API is made for them. Merge requests,
// issues, releases and snippets come from the API, and each is one file of its
// kind with Markdown as content; the wiki is a git repository of its own. All that
// is no file of the repository lies at paths that never change:
//
//	@merge_requests/45.md  @issues/123.md  @releases/<tag>.md  @snippets/678.md  @wiki/<path>
//
// A repository is its numeric id: renamed, or moved to another group, it stays the
// same source. One that is marked for deletion is gone.
//
// Confidential issues and internal notes are left out unless they are asked for,
// whatever the token may see.
//
// # Why
//
// Lists of merge requests and issues are read by the time of the last change, which
// only grows: each page is asked for with the time at which the one before ended.
// Nothing that is deleted meanwhile shifts another one out of sight, and the depth
// to which GitLab lets lists be paged does not matter. What has no such time,
// releases and snippets, is read until two readings agree. A deleted issue or
// merge request is told by no feed: the next full listing misses it.
package gitlab
