// Package forgetest is what the emulators and the tests of the forges have in
// common. It is imported by them only.
//
// A [Desk] takes the calls of an emulator's API: it keeps them, answers what has
// not changed with 304, and fails on order, as a [Fault] says. A [World] is a source
// at an emulator with what a test does to it, and a [Listing] is what pages come to.
// [Trouble] is the list of faults that every forge has to survive; [Validated],
// [Lost], [Polled] and the like are tests that all of them share.
package forgetest
