package neighbourtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// An object is JSON as the real ones decode it: a field is checked when it is
// asked for, others are ignored.
type object map[string]any

func objectOf(v any) (object, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("invalid type: expected a map")
	}
	return m, nil
}

func parse(body []byte) (object, error) {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, err
	}
	return objectOf(v)
}

// A check is of the value of one field.
type check func(v any) error

func isString(v any) error {
	if _, ok := v.(string); !ok {
		return fmt.Errorf("invalid type: expected a string")
	}
	return nil
}

func isNumber(v any) error {
	if _, ok := v.(float64); !ok {
		return fmt.Errorf("invalid type: expected a number")
	}
	return nil
}

func isMap(v any) error { _, err := objectOf(v); return err }

func isAny(any) error { return nil }

func isUUID(v any) error {
	s, ok := v.(string)
	if _, err := uuid.Parse(s); !ok || err != nil {
		return fmt.Errorf("UUID parsing failed")
	}
	return nil
}

// isTime is RFC 3339 with an offset: a naive time is none.
func isTime(v any) error {
	s, ok := v.(string)
	if _, err := time.Parse(time.RFC3339Nano, s); !ok || err != nil {
		return fmt.Errorf("premature end of input")
	}
	return nil
}

func isOneOf(words ...string) check {
	return func(v any) error {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			return fmt.Errorf("unknown variant %v", v)
		}
		return nil
	}
}

func isFloats(v any) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("invalid type: expected a sequence")
	}
	for _, one := range list {
		if err := isNumber(one); err != nil {
			return err
		}
	}
	return nil
}

// required and optional are the fields of one type.
func (o object) required(fields map[string]check) error {
	for name, ok := range fields {
		v, there := o[name]
		if !there {
			return fmt.Errorf("missing field `%s`", name)
		}
		if err := ok(v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (o object) optional(fields map[string]check) error {
	for name, ok := range fields {
		v, there := o[name]
		if !there || v == nil {
			continue
		}
		if err := ok(v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// list gives the objects of a required field.
func (o object) list(name string) ([]object, error) {
	v, there := o[name]
	if !there {
		return nil, fmt.Errorf("missing field `%s`", name)
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: invalid type: expected a sequence", name)
	}
	objects := make([]object, len(list))
	for i, one := range list {
		var err error
		if objects[i], err = objectOf(one); err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", name, i, err)
		}
	}
	return objects, nil
}

func (o object) text(name string) string {
	s, _ := o[name].(string) // it was checked, or may be absent
	return s
}
