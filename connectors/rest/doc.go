// Package rest is the HTTP transport of the connectors that read an API. A
// [Paced] makes clients; each client speaks for one credential. It keeps a budget
// of calls per credential, waits or gives up when a provider wants to be left
// alone, repeats what may be repeated, asks conditionally, bounds time and size,
// dials no private address that the operator has not allowed, and answers with
// the connector errors of package domain.
//
// It knows no provider: what a 403, 404 or 410 means is for the connector.
// [Check] has an answer for those without an SDK.
//
// A caller says with [With] what a call is like: its route for metrics, whether
// it may wait behind others, whether it may be repeated, whether it is worth
// remembering.
//
// # Why
//
// Limits hold for a credential, not for a process or a connector. One transport
// that all share, over a [Budget] that all replicas share, is the only place
// where they can be kept. It is an http.RoundTripper, so that an SDK runs on it.
package rest
