package domain

import (
	"encoding/json"
	"strings"
	"time"
)

// Options of the config of a source that mean the same for every provider that has them.
const (
	OptionBaseURL      = "baseUrl"        // where a self-hosted server is; not given: the provider's own
	OptionInstallation = "installationId" // of the operator's app, that opens a source without a credential of its own
)

// An Installation is an app's access to some objects of a provider.
type Installation struct {
	ID    string // the provider's, without leading zeros
	Place string // what the external keys of its objects begin with: "github.com/"
}

// Opens reports whether i is what opens s.
func (i Installation) Opens(s Source) bool {
	return i.ID != "" && i.ID == s.Installation && strings.HasPrefix(s.ExternalKey, i.Place)
}

// Installation is the id of the installation that c speaks for; empty: for none.
func (c Credential) Installation() string {
	if c.Kind != CredentialApp {
		return ""
	}
	return installationID(c.Settings["installation_id"])
}

// installationIn is the id of the installation that a config names.
func installationIn(config json.RawMessage) string {
	var options map[string]json.RawMessage
	var id string
	if json.Unmarshal(config, &options) != nil || json.Unmarshal(options[OptionInstallation], &id) != nil {
		return ""
	}
	return installationID(id)
}

// installationID is the one way to write an id.
func installationID(text string) string { return strings.TrimLeft(text, "0") }

// Reopen decides that s is opened with its credential once more, where that was refused
// by a run that may have asked before the provider told that it gives access again:
// what was told stands behind the claim of that run. Should it be refused again, s waits
// until more is told. false: there is nothing to decide.
func (s Source) Reopen(at time.Time) (SourceChanged, bool) {
	if !s.CredentialExpired || s.BehindAccess <= s.BehindClaim {
		return SourceChanged{}, false
	}
	e, err := s.AttachCredential(s.CredentialID, s.Installation, at)
	return e, err == nil // else it is being removed
}
