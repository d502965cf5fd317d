// Package graph is the stage that tells relation-graph of repositories, files,
// documents, commits, pull requests, issues and people, by
// POST /api/graph/entities. Its main type is [Stage].
//
// # Why
//
// The graph has no route for relations, updates or removals: relations go into the
// properties of an entity, each state of a file is an entity under the same
// source_id, and removals are recorded as skipped. Nothing is idempotent there, so
// what was accepted is remembered and told once.
package graph
