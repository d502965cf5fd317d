package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/confuse/data-connector/domain"
)

// eventPrinter writes a line per record: JSON, or for people.
func eventPrinter(w io.Writer, asJSON bool) func(domain.Record) error {
	if asJSON {
		return func(r domain.Record) error { return printEventJSON(w, r) }
	}
	return func(r domain.Record) error {
		_, err := fmt.Fprintln(w, oneLine(eventLine(r)))
		return err
	}
}

// eventLine is a record for people: when, where, which source, what.
func eventLine(r domain.Record) string {
	at := fmt.Sprintf("%s  %7s", r.Headers["ce_time"], r.Position)
	switch e := r.Event.(type) {
	case domain.SourceChanged:
		return fmt.Sprintf("%s  %s  source %s %s", at, e.SourceID, e.Change, e.Name)
	case domain.FileChanged:
		if e.OldPath != "" {
			return fmt.Sprintf("%s  %s  file %s %s -> %s", at, e.SourceID, e.Change, e.OldPath, e.Path)
		}
		return fmt.Sprintf("%s  %s  file %s %s", at, e.SourceID, e.Change, e.Path)
	}
	if r.Err != nil {
		return fmt.Sprintf("%s  not an event: %v", at, r.Err)
	}
	return fmt.Sprintf("%s  %s, which this version does not know", at, r.Headers["ce_type"])
}

func printEventJSON(w io.Writer, r domain.Record) error {
	line := struct {
		Position string          `json:"position"`
		ID       string          `json:"id"`
		Type     string          `json:"type"`
		Time     string          `json:"time,omitempty"`
		Data     json.RawMessage `json:"data,omitempty"`
		Error    string          `json:"error,omitempty"` // why it is not an event
	}{
		Position: r.Position.String(), ID: r.Headers["ce_id"], Type: r.Headers["ce_type"], Time: r.Headers["ce_time"],
	}
	if json.Valid(r.Raw) {
		line.Data = r.Raw
	}
	if r.Err != nil {
		line.Error = r.Err.Error()
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(line)
}
