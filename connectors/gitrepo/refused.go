package gitrepo

import "github.com/confuse/data-connector/domain"

// Refused is a client that reads nothing, because of reason: no git, or one that
// [Client.Check] does not take. All it is asked fails with a domain.UnfitError
// that says so. Connectors that are made with it still know their options and
// verify their webhooks: what comes meanwhile is not lost, and sources go on once
// there is another git.
func Refused(reason error) *Client {
	return &Client{refused: &domain.UnfitError{Reason: "repositories cannot be read: " + reason.Error()}}
}
