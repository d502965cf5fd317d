package wire

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// unmarshalFile reads a FileChanged. What [marshalFile] writes is read straight
// on; encoding/json, which takes several times as long, reads and judges all else.
// Attributes that are nil become {}.
func unmarshalFile(value []byte) (domain.Event, error) {
	r := fileReader{left: string(value)}
	if r.event(); r.left == "" && !r.odd {
		return withAttributes(r.e), nil
	}
	event, err := unmarshalAs[domain.FileChanged](value)
	return withAttributes(event), err
}

// A fileReader reads the JSON of a FileChanged as this package writes it: no
// space, no escape, no field that is not known. Texts share the memory of the
// value, which is about what they take together.
type fileReader struct {
	left string
	odd  bool // left is not such JSON
	e    domain.FileChanged
}

func (r *fileReader) event() {
	r.object(func(name string) {
		e := &r.e
		switch name {
		case "source_id":
			r.id(&e.SourceID.UUID)
		case "owner_id":
			e.OwnerID = domain.OwnerID(r.text())
		case "file_id":
			r.id(&e.FileID.UUID)
		case "job_id":
			r.id(&e.JobID.UUID)
		case "run":
			e.Run = r.number()
		case "run_id":
			r.id(&e.RunID.UUID)
		case "seq":
			e.Seq = r.number()
		case "change":
			e.Change = domain.FileChange(r.text())
		case "old_path":
			e.OldPath = r.text()
		default:
			r.state(name)
		}
	})
}

func (r *fileReader) state(name string) {
	e := &r.e
	switch name {
	case "item_id":
		e.ItemID = r.text()
	case "path":
		e.Path = r.text()
	case "kind":
		e.Kind = domain.FileKind(r.text())
	case "revision":
		e.Revision = r.text()
	case "content":
		r.content()
	case "language":
		e.Language = r.text()
	case "media_type":
		e.MediaType = r.text()
	case "web_url":
		e.WebURL = r.text()
	case "author_ref":
		e.AuthorRef = r.text()
	case "provider_time":
		r.time(&e.ProviderTime)
	case "attributes":
		r.attributes()
	default:
		r.odd = true
	}
}

func (r *fileReader) content() {
	r.odd = r.odd || r.e.Content != nil // a second one is merged into the first
	c := &domain.ClaimCheck{}
	r.e.Content = c
	r.object(func(name string) {
		switch name {
		case "sha256":
			var err error
			c.SHA256, err = domain.ParseDigest(r.text())
			r.odd = r.odd || err != nil
		case "size":
			c.Size = r.number()
		case "ref":
			r.ref(&c.Ref)
		default:
			r.odd = true
		}
	})
}

func (r *fileReader) ref(to *domain.PackRef) {
	r.object(func(name string) {
		switch name {
		case "pack":
			to.Pack = r.text()
		case "offset":
			to.Offset = r.number()
		case "length":
			to.Length = r.number()
		default:
			r.odd = true
		}
	})
}

func (r *fileReader) attributes() {
	r.odd = r.odd || r.e.Attributes != nil // as above
	all := map[string]string{}
	r.e.Attributes = all
	r.object(func(name string) { all[name] = r.text() })
}

// object reads {"name":value,...}, each value with field.
func (r *fileReader) object(field func(name string)) {
	r.expect('{')
	if strings.HasPrefix(r.left, "}") {
		r.left = r.left[1:]
		return
	}
	for !r.odd {
		name := r.text()
		r.expect(':')
		if r.odd {
			return
		}
		field(name)
		if strings.HasPrefix(r.left, ",") {
			r.left = r.left[1:]
			continue
		}
		r.expect('}')
		return
	}
}

func (r *fileReader) expect(c byte) {
	if r.odd || r.left == "" || r.left[0] != c {
		r.odd = true
		return
	}
	r.left = r.left[1:]
}

// text reads a string without escapes. That it is UTF-8 is looked at before.
func (r *fileReader) text() string {
	r.expect('"')
	if r.odd {
		return ""
	}
	for i := range len(r.left) {
		switch c := r.left[i]; {
		case c == '"':
			s := r.left[:i]
			r.left = r.left[i+1:]
			return s
		case c == '\\' || c < ' ':
			r.odd = true
			return ""
		}
	}
	r.odd = true
	return ""
}

// number reads a whole number below 10^18 that is not negative.
func (r *fileReader) number() int64 {
	n, i := int64(0), 0
	for ; i < len(r.left) && r.left[i] >= '0' && r.left[i] <= '9'; i++ {
		if i == 18 {
			r.odd = true
			return 0
		}
		n = n*10 + int64(r.left[i]-'0')
	}
	r.odd = r.odd || i == 0 || i > 1 && r.left[0] == '0'
	r.left = r.left[i:]
	return n
}

func (r *fileReader) id(to *uuid.UUID) {
	text := r.text()
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		r.odd = true
		return
	}
	*to = id
}

func (r *fileReader) time(to *time.Time) {
	r.odd = r.odd || to.UnmarshalText([]byte(r.text())) != nil
}

func withAttributes(event domain.Event) domain.Event {
	if e, ok := event.(domain.FileChanged); ok && e.Attributes == nil {
		e.Attributes = map[string]string{}
		return e
	}
	return event
}
