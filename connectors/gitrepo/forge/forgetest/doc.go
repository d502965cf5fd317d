// Package forgetest is what the emulators of the forges have in common: faults on
// order, answers that can be changed before they are sent, and a listing as a test
// looks at it. It is imported by tests and their emulators only.
package forgetest
