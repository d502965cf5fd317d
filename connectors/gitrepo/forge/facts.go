package forge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

// Facts are what the cache of a source knows of its repository: advice, without
// which the provider is asked again.
type Facts struct {
	Asked         string `json:"asked"` // see [Asked]
	ID            string `json:"id"`
	FullName      string `json:"full_name"`
	WebURL        string `json:"web_url"`
	DefaultBranch string `json:"default_branch"`
	HasWiki       bool   `json:"has_wiki"`
	Visibility    string `json:"visibility,omitempty"` // "public", "internal", "private"
	Archived      bool   `json:"archived,omitempty"`
	// Off names the parts that are switched off, in the connector's own words.
	Off string `json:"off,omitempty"`
}

// Identity is that of the repository, with key as its external key.
func (f Facts) Identity(key string) domain.Identity {
	return domain.Identity{
		ExternalKey: key, Name: f.FullName, URL: f.WebURL,
		State: domain.ObjectState{Name: f.FullName, URL: f.WebURL, Visibility: f.Visibility, Archived: f.Archived},
	}
}

// Visible is the word for who may see a repository, where a provider says only
// whether it is private.
func Visible(private bool) string {
	if private {
		return "private"
	}
	return "public"
}

// Asked names what a config asks for, whatever the case of its letters. Another
// config is another repository.
func Asked(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.Join(parts, "/"))))
	return hex.EncodeToString(sum[:])
}

func factsPath(s domain.Scope) string { return filepath.Join(s.Cache, "repository.json") }

// Recall is what the cache knows of what is asked for; zero: nothing.
func Recall(s domain.Scope, asked string) Facts {
	var f Facts
	if s.Cache == "" {
		return f
	}
	b, err := os.ReadFile(factsPath(s))
	if err != nil || json.Unmarshal(b, &f) != nil || f.Asked != asked {
		return Facts{}
	}
	return f
}

// Keep writes f to the cache, as a whole or not at all.
func (f Facts) Keep(s domain.Scope) {
	if s.Cache == "" || f == Recall(s, f.Asked) {
		return
	}
	b, err := json.Marshal(f)
	if err != nil || os.MkdirAll(s.Cache, 0o700) != nil {
		return
	}
	tmp := factsPath(s) + ".new"
	if os.WriteFile(tmp, b, 0o600) == nil {
		_ = os.Rename(tmp, factsPath(s)) // it is asked for again
	}
}

// lookEvery is how often a poll asks for the repository itself: that costs a call.
const lookEvery = time.Hour

// due reports whether the last look was long ago, and notes that there is one now.
// The first poll only notes: a sync has just looked.
func due(s domain.Scope, now time.Time) bool {
	if s.Cache == "" {
		return false
	}
	path := filepath.Join(s.Cache, "looked")
	b, err := os.ReadFile(path)
	last, bad := time.Parse(time.RFC3339, string(b))
	known := err == nil && bad == nil
	if known && now.Before(last.Add(lookEvery)) {
		return false
	}
	if os.MkdirAll(s.Cache, 0o700) != nil || os.WriteFile(path, []byte(now.Format(time.RFC3339)), 0o600) != nil {
		return false // it would be at every poll
	}
	return known
}

// rawFacts is what [Facts.Keep] has written last.
func rawFacts(s domain.Scope) []byte {
	b, err := os.ReadFile(factsPath(s))
	if err != nil {
		return nil
	}
	return b
}

// untold reports whether the cache knows something else of the repository than its
// source says: somebody else has seen it first, or a hint about it was lost.
func untold(s domain.Scope) bool {
	var f Facts
	if s.Object == (domain.ObjectState{}) || json.Unmarshal(rawFacts(s), &f) != nil {
		return false
	}
	return f.Identity("").State != s.Object
}
