// Package notify hands messages to people: through the services that shoutrrr
// knows (Slack, Discord, Telegram, mail, ...), and to any address as webhooks
// signed as Standard Webhooks (https://www.standardwebhooks.com). A [Sender] sends;
// a [Post] lets it, through watermill's Router.
//
// An address of a service often is a secret, and shoutrrr puts it into its errors:
// none of them leaves this package (I7). Where an address names a host, requests
// go through the client of the Sender, which refuses the operator's own network
// whatever a name resolves to and wherever a redirect leads. Mail goes to an address
// that was looked at, whatever its name resolves to a moment later.
//
// What does not answer holds up nobody: messages go side by side, each for a time
// after which its connection is closed and nothing of it is left. shoutrrr knows no
// such time: it sends by clients that do, and what it would send by one of its own,
// this package sends.
//
// Of several who are to have one mail, each has it once: who has taken it is not sent
// it again because another one has not.
//
// # Why
//
// What is to be told stands in rows, not on a topic: a condition holds or it does
// not, and rows that say which of it was told are what a crash, a second process
// and a target that is down for a day need. A message per event would have to be
// found unnecessary again: most conditions end before anybody need know. The Router
// does what it is good at: trying again, panics, one place where failures end.
package notify
