// Package notify hands messages to people: through the services that shoutrrr
// knows (Slack, Discord, Telegram, mail, ...), and to any address as webhooks
// signed as Standard Webhooks (https://www.standardwebhooks.com). Its one type is
// [Sender].
//
// An address of a service often is a secret, and shoutrrr puts it into its errors:
// none of them leaves this package (I7). Where an address names a host, that host
// is looked at first, so that nobody reaches the operator's own network through a
// message; shoutrrr makes the connection, so a name that changes between the two
// is not noticed. What it can be made to do there is one request with our text.
package notify
