//go:build race

package main

// underRace says that the memory of a child is also that of the race detector,
// which keeps several bytes for each byte that is touched.
const underRace = true
