// Package bitbucket connects repositories on Bitbucket, Cloud and Data Center.
// [Connector] implements domain.Connector and all of its optional interfaces but
// Watcher.
//
// Files come by git; not one call of the API is made for them. Each pull request
// comes from the API as one file at a path that never changes, @pulls/45.md, with
// Markdown as content. Issues and wikis are not read: Cloud removed them with their
// API in August 2026 (developer.atlassian.com/cloud/bitbucket/changelog), and Data
// Center never had any.
//
// A repository is its uuid on Cloud and its numeric id on a Data Center: renamed
// or moved it stays the same source, and another one under its old name is not
// taken for it.
//
// # Why
//
// Pages of lists are joined so that nothing can slip between two: on Cloud each
// begins behind the last number or time that was seen; Data Center has places
// alone, so there each page begins with the last one of the page before.
//
// The API is called through package rest and not through go-bitbucket: that
// library drops the context of a call (cancellation, priority and route are lost),
// does not look whether a page behind the first one can be read, so that one that is
// cut off ends a list (I8), asks for one state of pull requests only, reads lists to
// their end before it gives anything, so that a listing could not go on where it
// broke off, and gives untyped maps. It knows Cloud alone.
package bitbucket
