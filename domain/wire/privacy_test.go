package wire_test

import (
	"slices"
	"strings"
	"testing"
)

// No event has a field for a secret, a person's name or a mail address (I7). A
// field that sounds like one has to be allowed here, with the reason.
func TestNoFieldForPersonsOrSecrets(t *testing.T) {
	t.Parallel()

	words := []string{
		"name", "author", "committer", "user", "login", "person", "people", "mail", "address", "phone", "avatar", "sender",
		"assignee", "reviewer", "member", "contact", "owner", "secret", "token", "password", "credential", "key",
	}
	allowed := map[string]string{
		"author_ref":     "random per owner and person",
		"owner_id":       "opaque: who the source belongs to",
		"name":           "of the source, not of a person",
		"external_key":   "what the provider calls the source",
		"object.name":    "of the source at its provider, not of a person",
		"credential_id":  "an id, never the credential",
		"counts.renamed": "how many files were",
	}
	seen := map[string]bool{}
	for name, event := range events() {
		for _, path := range fieldsOf("", parsed(t, schemaOf(t, name, event))) {
			field := path[strings.LastIndex(path, ".")+1:]
			if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(field, word) }) {
				continue
			}
			path = strings.TrimPrefix(path, ".")
			if allowed[path] == "" {
				t.Errorf("%s has a field %s, which sounds like a person or a secret", name, path)
			}
			seen[path] = true
		}
	}
	for field := range allowed {
		if !seen[field] {
			t.Errorf("no event has a field %s: the test looks in the wrong place", field)
		}
	}
}

// fieldsOf are the paths of all fields of a schema.
func fieldsOf(path string, schema map[string]any) []string {
	var paths []string
	for name, property := range object(schema["properties"]) {
		paths = append(append(paths, path+"."+name), fieldsOf(path+"."+name, object(property))...)
	}
	return append(paths, itemFields(path, schema)...)
}

func itemFields(path string, schema map[string]any) []string {
	if items := object(schema["items"]); items != nil {
		return fieldsOf(path+"[]", items)
	}
	return nil
}
