package wire_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// incompatible says what in a new schema breaks a reader of the old one, or an
// event that was valid by it. New optional fields and new values of an
// enumeration are fine (I6), and so are words for people.
func incompatible(old, now map[string]any) []string {
	problems := compare("", old, now)
	slices.Sort(problems)
	return problems
}

func compare(path string, old, now map[string]any) []string {
	problems := compareProperties(path, object(old["properties"]), object(now["properties"]))
	problems = append(problems, compareRequired(path, old, now)...)
	problems = append(problems, compareEnum(path, old, now)...)
	for key := range merged(old, now) {
		switch key {
		case "properties", "required", "enum", "description", "title", "$comment", "examples":
			continue
		}
		before, after := old[key], now[key]
		if object(before) != nil && object(after) != nil {
			problems = append(problems, compare(path+"."+key, object(before), object(after))...)
			continue
		}
		if !reflect.DeepEqual(before, after) {
			problems = append(problems, fmt.Sprintf("%s of %s changed from %v to %v", key, place(path), before, after))
		}
	}
	return problems
}

func compareProperties(path string, old, now map[string]any) []string {
	var problems []string
	for name, before := range old {
		after, there := now[name]
		if !there {
			problems = append(problems, fmt.Sprintf("field %s was removed", place(path+"."+name)))
			continue
		}
		problems = append(problems, compare(path+"."+name, object(before), object(after))...)
	}
	return problems
}

// compareRequired: a new required field makes old events invalid, a field that is
// no longer required surprises readers.
func compareRequired(path string, old, now map[string]any) []string {
	var problems []string
	before, after := list(old["required"]), list(now["required"])
	for _, name := range after {
		if !slices.Contains(before, name) {
			problems = append(problems, fmt.Sprintf("field %s is required now", place(path+"."+name)))
		}
	}
	for _, name := range before {
		if _, there := object(now["properties"])[name]; there && !slices.Contains(after, name) {
			problems = append(problems, fmt.Sprintf("field %s is no longer always there", place(path+"."+name)))
		}
	}
	return problems
}

func compareEnum(path string, old, now map[string]any) []string {
	before, after := list(old["enum"]), list(now["enum"])
	if (old["enum"] == nil) != (now["enum"] == nil) {
		return []string{fmt.Sprintf("enum of %s changed from %v to %v", place(path), before, after)}
	}
	var problems []string
	for _, value := range before {
		if !slices.Contains(after, value) {
			problems = append(problems, fmt.Sprintf("value %s of %s was removed", value, place(path)))
		}
	}
	return problems
}

func place(path string) string {
	if path = strings.TrimPrefix(path, "."); path == "" {
		return "the event"
	}
	return path
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }

func list(v any) []string {
	var words []string
	values, _ := v.([]any)
	for _, value := range values {
		words = append(words, fmt.Sprint(value))
	}
	return words
}

func merged(a, b map[string]any) map[string]bool {
	keys := map[string]bool{}
	for _, m := range []map[string]any{a, b} {
		for key := range m {
			keys[key] = true
		}
	}
	return keys
}

func TestIncompatible(t *testing.T) {
	t.Parallel()

	const schema = `{"title": "t", "type": "object", "required": ["id", "change"], "properties": {
		"id": {"type": "string", "format": "uuid"},
		"change": {"type": "string", "enum": ["added", "removed"], "description": "what"},
		"note": {"type": "string"},
		"tags": {"type": "array", "items": {"type": "string"}},
		"content": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}},
		"attributes": {"type": "object", "additionalProperties": {"type": "string"}}}}`
	tests := map[string]struct {
		old, now string
		want     string // empty: compatible
	}{
		"nothing":              {},
		"other words":          {old: `"what"`, now: `"what happened"`},
		"a new optional field": {old: `"note": {`, now: `"more": {"type": "integer"}, "note": {`},
		"a new value":          {old: `"added", "removed"`, now: `"removed", "renamed", "added"`},
		"a removed field":      {old: `"note": {"type": "string"},`, want: "field note was removed"},
		"a renamed field":      {old: `"note"`, now: `"remark"`, want: "field note was removed"},
		"a field below":        {old: `"size": {"type": "integer"}`, want: "field content.size was removed"},
		"a new required field": {old: `"id", "change"`, now: `"id", "change", "note"`, want: "field note is required now"},
		"required below":       {old: `"required": ["size"], `, want: "field content.size is no longer always there"},
		"no longer required":   {old: `"id", "change"`, now: `"id"`, want: "field change is no longer always there"},
		"a removed value":      {old: `"added", `, want: "value added of change was removed"},
		"a changed value":      {old: `"added"`, now: `"created"`, want: "value added of change was removed"},
		"an enum from nothing": {old: `"note": {"type": "string"`, now: `"note": {"type": "string", "enum": ["a"]`, want: "enum of note changed from [] to [a]"},
		"another type":         {old: `"integer"`, now: `"number"`, want: "type of content.size changed from integer to number"},
		"another item type":    {old: `"items": {"type": "string"}`, now: `"items": {"type": "integer"}`, want: "type of tags.items changed from string to integer"},
		"another value type":   {old: `"additionalProperties": {"type": "string"}`, now: `"additionalProperties": {"type": "integer"}`, want: "type of attributes.additionalProperties changed from string to integer"},
		"a limit":              {old: `"note": {`, now: `"note": {"maxLength": 5, `, want: "maxLength of note changed from <nil> to 5"},
		"a format":             {old: `"format": "uuid"`, now: `"format": "uri"`, want: "format of id changed from uuid to uri"},
		"no unknown fields":    {old: `"title": "t"`, now: `"additionalProperties": false`, want: "additionalProperties of the event changed from <nil> to false"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if !strings.Contains(schema, tt.old) {
				t.Fatalf("no %s in the schema", tt.old)
			}
			now := strings.Replace(schema, tt.old, tt.now, 1)
			if got := strings.Join(incompatible(parsed(t, []byte(schema)), parsed(t, []byte(now))), "; "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
