// Command data-connector connects sources and keeps a complete, ordered record
// of what changes in them.
package main

func main() {}
