// Package pgserver runs a PostgreSQL server as a child of this process, with
// all its files in one folder. Its main type is Server; Start makes the cluster
// at the first start and opens it at every later one.
//
// It takes the binaries of the machine where it finds them, else it fetches
// published ones. It knows nothing of schemas: it hands out the URL of an
// empty database. It does not lock the folder against a second Start: who
// calls it holds such a lock.
//
// # Why
//
// pg_ctl would leave a daemon behind when this process is killed. A child with
// a parent death signal ends with us, and a lock that only the child holds tells
// the next start when the last process of the former one is gone.
//
// PostgreSQL refuses to run as root. Under root the child runs as another user
// and gets the folder as an open descriptor, which it reaches by way of
// /proc/self/fd. So the cluster stays in its folder even where that user may
// not traverse the path to it, such as below /root.
package pgserver
