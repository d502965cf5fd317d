// Package wire is the form that events have on the log: CloudEvents 1.0 in the
// Kafka protocol binding, binary mode. The attributes are record headers, the
// value is the data: JSON in snake_case, valid UTF-8 without NUL, at most 256 kB.
//
// [Encode] and [Decode] are the two ways. A consumer in another program may
// import this package; docs/asyncapi.json says the same for other languages.
//
// The type names the event and its major version: confuse.FileChanged.v1. A
// later minor version appends its number: confuse.FileChanged.v1.2. Readers skip
// types and minor versions that they do not know; a major version of a known
// type that they do not know is an error, because going on would lose its
// meaning (I6). Values of change, kind, mode and state that a reader does not
// know are decoded as they are; the fold ignores them.
//
// # Why
//
// JSON compresses in batches as well as a binary form does, and every consumer
// can read it. Headers carry what filters need, so that they decide without
// parsing.
package wire
