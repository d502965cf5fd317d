// Package embedded runs the three servers that data-connector needs, under one
// data folder and on loopback: the log (a Kafka broker), PostgreSQL and Redis.
// Its main type is Servers, which Start gives; the rest of the program gets
// their addresses and cannot tell them from real ones. It creates no topic, no
// table and no key.
//
// The folder is locked while they run. RunInfo is how other commands find the
// process that holds it.
//
//	lock                     the process id of who holds the folder
//	run.json                 where the running process is to be found, with its key
//	log/ log.port            the log, and the port it had last
//	postgres/ postgres.*     the database, its password and its own log
//
// # Limits
//
// This is for development and small single-node use. The log is one copy on one
// disk. It knows neither transactions nor compacted topics here: its broker does
// not keep them over a crash. After one it reads itself into memory as a whole,
// so a log above the memory budget is refused. A failing fsync of the disk goes
// unnoticed. The log has no password: users of the same machine can reach it.
// Redis starts empty each time; what it holds is derived.
//
// # Why
//
// Loopback servers, instead of second implementations behind the ports, keep one
// code path: what runs here is what runs on real servers.
package embedded
