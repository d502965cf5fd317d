package wire_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// No text of any event may hold NUL or bytes that are not UTF-8. The test finds
// the fields by itself, so that a new one is covered.
func TestEncodeRefusesBadTextAnywhere(t *testing.T) {
	t.Parallel()

	fields := 0
	for name, m := range samples() {
		for i := range texts(m.Event) {
			for what, bad := range map[string]string{"NUL": "a\x00b", "not UTF-8": "a\xffb", "half a surrogate": "a\xed\xa0\x80"} {
				spoilt, clean := m, m
				var path string
				spoilt.Event, path = withText(m.Event, i, bad)
				clean.Event, _ = withText(m.Event, i, domain.Clean(bad))
				fields++
				if _, err := wire.Encode(spoilt); err == nil {
					t.Errorf("%s: %s in %s: got no error", name, what, path)
				}
				if _, err := wire.Encode(clean); err != nil {
					t.Errorf("%s: %s cleaned: got error %v", name, path, err)
				}
			}
		}
	}
	if fields < 500 {
		t.Errorf("got %d fields tried, want several hundred", fields)
	}
}

// withText is event with its i-th text replaced, and the way to it.
func withText(event domain.Event, i int, text string) (domain.Event, string) {
	n, path := 0, ""
	v := replaced(reflect.ValueOf(event), "", func(p, old string) string {
		n++
		if n-1 != i {
			return old
		}
		path = p
		return text
	})
	return v.Interface().(domain.Event), path
}

// texts counts the texts of an event.
func texts(event domain.Event) int {
	n := 0
	replaced(reflect.ValueOf(event), "", func(_, old string) string { n++; return old })
	return n
}

// replaced is a copy of v with each text in it given to change.
func replaced(v reflect.Value, path string, change func(path, old string) string) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	switch v.Kind() {
	case reflect.String:
		c.SetString(change(path, v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			c.Set(reflect.New(v.Type().Elem()))
			c.Elem().Set(replaced(v.Elem(), path, change))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 { // bytes and JSON have tests of their own
			c.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				c.Index(i).Set(replaced(v.Index(i), path+"[]", change))
			}
		}
	case reflect.Map:
		c.Set(reflect.MakeMap(v.Type()))
		for _, k := range sortedKeys(v) {
			c.SetMapIndex(replaced(k, path+" key", change), replaced(v.MapIndex(k), path+" value", change))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				c.Field(i).Set(replaced(v.Field(i), path+"."+f.Name, change))
			}
		}
	default: // numbers and the like hold no text
	}
	return c
}

func sortedKeys(m reflect.Value) []reflect.Value {
	return slices.SortedFunc(slices.Values(m.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
}
