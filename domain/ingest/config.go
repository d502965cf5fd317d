package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/confuse/data-connector/domain"
)

// commonOptions are the options that every connector has.
func commonOptions() []domain.Option {
	return []domain.Option{
		{Name: domain.OptionURI, Kind: domain.OptionString, Help: "Where people find the source; kept and shown, not read."},
		{Name: domain.OptionSchedule, Kind: domain.OptionString, Help: "When to sync, as a cron expression in UTC; none leaves it to polling and hints."},
		{Name: domain.OptionWatch, Kind: domain.OptionBool, Help: "Whether notices of change are listened to, where the provider gives them (true)."},
		{Name: "includePaths", Kind: domain.OptionStrings, Help: "Globs of the paths to keep; none keeps all. ** crosses folders."},
		{Name: "excludePaths", Kind: domain.OptionStrings, Help: "Globs of the paths to leave out, besides the default ones. A folder leaves out all below it."},
		{Name: "defaultExcludes", Kind: domain.OptionBool, Help: "Whether the default excludes apply (true)."},
		{Name: "includeLanguages", Kind: domain.OptionStrings, Help: "Languages to keep, by their GitHub Linguist names; none keeps all."},
		{Name: "excludeLanguages", Kind: domain.OptionStrings, Help: "Languages to leave out."},
		{Name: "maxFileSize", Kind: domain.OptionInt, Help: "Files above this many bytes are left out; 0: no limit."},
	}
}

// Options are all options of the connector c, its own first.
func Options(c domain.Connector) []domain.Option {
	return append(slices.Clone(c.Describe().Options), commonOptions()...)
}

// checkConfig says whether config is an object with only options that exist, of
// the right types, required ones present. It returns config without insignificant
// space. The error is an InvalidError naming "config.<option>".
func checkConfig(config json.RawMessage, options []domain.Option) (json.RawMessage, error) {
	if len(bytes.TrimSpace(config)) == 0 {
		config = json.RawMessage("{}")
	}
	if !utf8.Valid(config) {
		return nil, &domain.InvalidError{Field: "config", Problem: "is not valid UTF-8", Allowed: "a JSON object of options"}
	}
	fields, err := objectOf(config)
	if err != nil {
		return nil, err
	}
	byName := map[string]domain.Option{}
	for _, o := range options {
		byName[o.Name] = o
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		o, ok := byName[name]
		if !ok {
			return nil, &domain.InvalidError{Field: "config." + name, Problem: "unknown option", Allowed: namesOf(options)}
		}
		if err := checkOption(o, fields[name]); err != nil {
			return nil, err
		}
	}
	for _, o := range options {
		if _, ok := fields[o.Name]; o.Required && !ok {
			return nil, &domain.InvalidError{Field: "config." + o.Name, Problem: "is required", Allowed: o.Help}
		}
	}
	if err := checkURI(fields[domain.OptionURI]); err != nil {
		return nil, err
	}
	return json.Marshal(fields) // sorted keys, so equal configs have equal digests
}

// checkURI refuses an address with a credential in it: the config goes to the log
// (I7). It was checked to be a string, if it is there.
func checkURI(value json.RawMessage) error {
	var uri string
	if len(value) == 0 || json.Unmarshal(value, &uri) != nil {
		return nil
	}
	if u, err := url.Parse(uri); err != nil || u.User != nil {
		return &domain.InvalidError{Field: "config.uri", Problem: "is no address, or holds a credential", Allowed: "an address without user and password"}
	}
	return nil
}

func objectOf(config json.RawMessage) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	d := json.NewDecoder(bytes.NewReader(config))
	err := d.Decode(&fields)
	if _, rest := d.Token(); err != nil || fields == nil || !errors.Is(rest, io.EOF) {
		return nil, &domain.InvalidError{Field: "config", Problem: "is not an object", Allowed: "a JSON object of options"}
	}
	return fields, nil
}

func namesOf(options []domain.Option) string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.Name
	}
	return strings.Join(names, ", ")
}

func checkOption(o domain.Option, value json.RawMessage) error {
	field := "config." + o.Name
	switch o.Kind {
	case domain.OptionStrings:
		var v []json.RawMessage
		if json.Unmarshal(value, &v) != nil || v == nil {
			return &domain.InvalidError{Field: field, Problem: "has the wrong type", Allowed: "an array of strings"}
		}
		for i, element := range v {
			if err := checkString(fmt.Sprintf("%s[%d]", field, i), element); err != nil {
				return err
			}
		}
	case domain.OptionString:
		return checkString(field, value)
	case domain.OptionBool:
		var v *bool
		if json.Unmarshal(value, &v) != nil || v == nil {
			return &domain.InvalidError{Field: field, Problem: "has the wrong type", Allowed: "true or false"}
		}
	case domain.OptionInt:
		var v *int64
		if json.Unmarshal(value, &v) != nil || v == nil || *v < 0 {
			return &domain.InvalidError{Field: field, Problem: "has the wrong type or is negative", Allowed: "a whole number from 0"}
		}
	}
	return nil
}

// namesRuneError reports whether a JSON string means U+FFFD. Where it does not, a
// half surrogate became one.
func namesRuneError(value json.RawMessage) bool {
	return bytes.ContainsRune(value, utf8.RuneError) || bytes.Contains(bytes.ToLower(value), []byte(`\ufffd`))
}

// checkString refuses what cannot go to the log: it holds valid UTF-8 without NUL.
func checkString(field string, value json.RawMessage) error {
	var v *string
	if json.Unmarshal(value, &v) != nil || v == nil {
		return &domain.InvalidError{Field: field, Problem: "has the wrong type", Allowed: "a string"}
	}
	if *v != domain.Clean(*v) || strings.ContainsRune(*v, utf8.RuneError) && !namesRuneError(value) {
		return &domain.InvalidError{Field: field, Problem: "holds NUL or is not valid UTF-8", Allowed: "text without NUL"}
	}
	return nil
}
