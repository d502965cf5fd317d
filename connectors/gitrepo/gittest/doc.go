// Package gittest is a git server for tests: real git behind real smart HTTP, by
// git http-backend, with passwords, counted requests and faults on order. It is
// imported by tests only.
//
// [NewServer] starts one. [Server.Create] makes a repository in it, and
// [Repo.Commit] puts commits there without a work tree, as fast as git takes
// them. What a repository holds according to git itself is [Repo.Tree], the
// truth that tests compare with.
package gittest
