// Package gitlabtest is a GitLab for tests: as much of its API as the connector
// asks for, with the project by git beside it. It is imported by tests only.
//
// [New] starts one with one project; [Server.Issue], [Server.MergeRequest] and
// their like fill it. What it answers are recorded objects of GitLab with what a
// test says put over them. It redirects renamed projects, answers conditional
// requests, tells no page how many there are, and fails on order: [Server.Fail].
package gitlabtest
