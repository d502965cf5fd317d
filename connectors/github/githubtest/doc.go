// Package githubtest is a GitHub for tests: as much of its API as the connector
// asks for, in the layout of an Enterprise Server, with the repository by git
// beside it. It is imported by tests only.
//
// [New] starts one with one repository; [Server.Issue], [Server.Pull] and their
// like fill it. What it answers are recorded objects of GitHub with what a test
// says put over them. It redirects renamed repositories, answers conditional
// requests, counts calls against a limit and fails on order: [Server.Fail].
package githubtest
