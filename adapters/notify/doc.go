// Package notify hands messages to people: through the services that shoutrrr
// knows (Slack, Discord, Telegram, mail, ...), and to any address as webhooks
// signed as Standard Webhooks (https://www.standardwebhooks.com). Its one type is
// [Sender].
//
// An address of a service often is a secret, and shoutrrr puts it into its errors:
// none of them leaves this package (I7). Where an address names a host, requests
// go through the client of the Sender, which refuses the operator's own network
// whatever a name resolves to and wherever a redirect leads. Mail is the exception:
// shoutrrr connects by itself, so its host is looked at right before, and a name
// that changes between the two is not noticed. What it can be made to do there is
// to greet a server in SMTP.
package notify
