//go:build !race

package main

// underRace says that the memory of a child is also that of the race detector.
const underRace = false
