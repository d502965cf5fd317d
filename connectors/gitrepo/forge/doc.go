// Package forge is what the connectors of GitHub, GitLab and Bitbucket have in
// common. A [Repository] is the files of one, its wiki, and the items that come
// from an API, each of a [Kind]; it lists, follows and reads them as one source.
// It knows no provider: which kinds there are and how their pages are read is for
// the connector.
//
// All that is no file of the repository lies in folders of its own, whose names
// begin with "@": "@issues/123.md", "@wiki/<path>". A file of the repository in one
// of them is a failed item.
//
// A listing walks the parts one behind the other: files, wiki, then each kind of
// items. Its last page is complete only when every part came to its proven end
// (I8). The cursor of the feed holds a position for each part.
//
// Besides, there is what the items need: versions, Markdown, errors.
package forge
