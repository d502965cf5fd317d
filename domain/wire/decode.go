package wire

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// Decode gives the event of a record. The event is nil without an error when the
// record is of a type or minor version that this version does not know: the
// reader skips it (I6). A *BadError says that it is not a valid event.
//
// Fields that are not known are ignored, values of change, kind, mode and state
// that are not known stay as they are.
func Decode(headers map[string]string, value []byte) (domain.Event, error) {
	bad := func(problem string, err error) (domain.Event, error) {
		return nil, &BadError{Type: headers[HeaderType], Problem: problem, Err: err}
	}
	if headers[HeaderType] == "" {
		return bad("no header "+HeaderType, nil)
	}
	name, major, minor, ok := parseType(headers[HeaderType])
	switch {
	case name == "":
		return nil, nil
	case !ok:
		return bad("unreadable version", nil)
	case major != 1:
		return bad(fmt.Sprintf("major version %d is not known here", major), nil)
	case minor > 0:
		return nil, nil
	}
	if problem := checkHeaders(headers); problem != "" {
		return bad(problem, nil)
	}
	if problem := scan(value).problem(); problem != "" {
		return bad("data "+problem, nil)
	}
	event, err := unmarshal(name, value)
	if err != nil {
		return bad("data", err)
	}
	if problem := check(event); problem != "" {
		return bad(problem, nil)
	}
	if a, err := describe(event); err != nil || !names(headers[HeaderSource], a.source) {
		return bad(HeaderSource+" names another source than the data", err)
	}
	return event, nil
}

// names tells whether text is ce_source of a source, in the one form that is
// written.
func names(text string, source domain.SourceID) bool {
	var buf [len(sourcePrefix) + uuidLength]byte
	return text == string(appendUUID(append(buf[:0], sourcePrefix...), source.UUID))
}

func checkHeaders(headers map[string]string) string {
	if headers[HeaderSpecVersion] != specVersion {
		return HeaderSpecVersion + " is not " + specVersion
	}
	if id, err := uuid.Parse(headers[HeaderID]); err != nil || id == uuid.Nil {
		return HeaderID + " is not a UUID"
	}
	if _, ok := SourceOf(headers); !ok {
		return HeaderSource + " names no source"
	}
	return ""
}

func unmarshal(name string, value []byte) (domain.Event, error) {
	switch name {
	case nameSourceChanged:
		return unmarshalAs[domain.SourceChanged](value)
	case nameFileChanged:
		return unmarshalFile(value)
	default:
		return unmarshalAs[domain.StageReported](value)
	}
}

func unmarshalAs[E domain.Event](value []byte) (domain.Event, error) {
	var e E
	err := json.Unmarshal(value, &e)
	return e, err
}
