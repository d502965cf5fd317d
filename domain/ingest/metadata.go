package ingest

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// The bounds of metadata: it is kept for a gateway, not as a store.
const (
	maxMetadata      = 50   // keys
	maxMetadataName  = 100  // bytes
	maxMetadataValue = 1024 // bytes
)

// secretWords are those that names of secrets and of what tells of people are made
// of. Anything may stand in what a gateway hands on, and the log keeps it for ever
// (I7).
func secretWords() []string {
	return []string{"secret", "token", "password", "passwd", "passphrase", "credential", "auth", "key", "cookie", "session", "mail", "user", "login", "phone"}
}

// cleanMetadata is what may go to the log of what a gateway has sent beside the
// options: text as it is, all else as JSON. nil: nothing.
func cleanMetadata(given map[string]json.RawMessage) map[string]string {
	kept := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value, ok := metadataValue(given[name])
		if ok && name != "" && len(name) <= maxMetadataName && name == domain.Clean(name) && !tellsSecret(name) && len(kept) < maxMetadata {
			kept[name] = value
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// metadataValue is a value as text; false: it is not kept.
func metadataValue(raw json.RawMessage) (string, bool) {
	var given *string
	err := json.Unmarshal(raw, &given)
	if err == nil && given == nil { // null
		return "", false
	}
	text := ""
	if err == nil {
		text = *given
		u, err := url.Parse(text)
		if err == nil && (u.User != nil || tellsSecret(u.RawQuery)) || strings.Contains(text, "@") {
			return "", false
		}
	} else {
		var compact bytes.Buffer
		if json.Compact(&compact, raw) != nil {
			return "", false
		}
		text = compact.String()
		if tellsSecret(text) || strings.Contains(text, "@") { // a name within it may be one
			return "", false
		}
	}
	return text, len(text) <= maxMetadataValue && text == domain.Clean(text)
}

func tellsSecret(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(secretWords(), func(word string) bool { return strings.Contains(text, word) })
}
