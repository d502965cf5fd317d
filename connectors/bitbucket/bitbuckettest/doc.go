// Package bitbuckettest is a Bitbucket for tests, Cloud or Data Center: as much of
// its API as the connector asks for, with the repository by git beside it. It is
// imported by tests only.
//
// [New] starts one with one repository; [Server.Pull] and its like fill it. What
// it answers are recorded objects of Bitbucket with what a test says put over them.
// It filters, sorts and pages as the edition does, counts calls, and fails on
// order: [Server.Fail].
package bitbuckettest
