package forgetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
)

// secretOfDocs is the secret in the documentation of GitHub and of Bitbucket.
const secretOfDocs = "It's a Secret to Everybody"

// Sign is the signature of GitHub and Bitbucket for a body.
func Sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Signed checks HMAC-SHA256 over the raw body in the header with this name: the
// vectors that GitHub, Bitbucket and RFC 4231 publish, one beyond ASCII, and what
// must be refused.
func Signed(t *testing.T, c domain.WebhookParser, header string) {
	t.Helper()
	const (
		github    = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
		bitbucket = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
		rfc       = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
		letters   = "sha256=8c3df9b7d915b76ee6d41cc806a5ca521bbc1c7b77bc08d665e2d09b2ec38412"
		sha1      = "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"
		hello     = "Hello, World!"
	)
	docs := []domain.Secret{secretOfDocs}
	one := func(v ...string) http.Header { return http.Header{header: v} }
	other := map[string]string{"X-Hub-Signature-256": "X-Hub-Signature", "X-Hub-Signature": "X-Hub-Signature-256"}[header]
	for name, tt := range map[string]struct {
		header  http.Header
		body    string
		secrets []domain.Secret
		ok      bool
	}{
		"vector of GitHub's documentation":    {one(github), hello, docs, true},
		"vector of Bitbucket's documentation": {one(bitbucket), "Hello World!", docs, true},
		"vector of RFC 4231":                  {one(rfc), "what do ya want for nothing?", []domain.Secret{"Jefe"}, true},
		"vector with other letters":           {one(letters), "{\"msg\":\"Gr\xc3\xbc\xc3\x9fe \xf0\x9f\x9a\x80\"}", docs, true},
		"second secret of a rotation":         {one(github), hello, []domain.Secret{"new", secretOfDocs}, true},
		"another body":                        {one(github), "Hello World!", docs, false},
		"another secret":                      {one(github), hello, []domain.Secret{"other"}, false},
		"no secret":                           {one(github), hello, nil, false},
		"empty secret, signed with it":        {one(Sign("", "x")), "x", []domain.Secret{""}, false},
		"no header":                           {http.Header{"X-Hook-Uuid": {"{8f4d}"}}, hello, docs, false},
		"empty header":                        {one(""), hello, docs, false},
		"prefix alone":                        {one("sha256="), hello, docs, false},
		"prefix twice":                        {one("sha256=" + github), hello, docs, false},
		"no prefix":                           {one(strings.TrimPrefix(github, "sha256=")), hello, docs, false},
		"prefix in capitals":                  {one(strings.Replace(github, "sha", "SHA", 1)), hello, docs, false},
		"digits in capitals are refused":      {one("sha256=" + strings.ToUpper(github[7:])), hello, docs, false},
		"cut short":                           {one(github[:len(github)-2]), hello, docs, false},
		"two headers":                         {one(github, github), hello, docs, false},
		"SHA-1":                               {one(sha1), hello, docs, false},
		"SHA-1 in its own header":             {http.Header{"X-Hub-Signature": {sha1}}, hello, docs, false},
		"the header of another forge":         {http.Header{other: {github}}, hello, docs, false},
	} {
		err := c.Verify(tt.header, []byte(tt.body), tt.secrets, time.Unix(0, 0))
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, domain.ErrForbidden) {
			t.Errorf("%s: got %v, want ok %v", name, err, tt.ok)
		}
	}
}

// Unread gives deliveries that are none of the provider's; delivered makes the
// headers of one with an event.
func Unread(t *testing.T, c domain.WebhookParser, delivered func(event string) http.Header, event string) {
	t.Helper()
	form := delivered(event)
	form.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, tt := range map[string]struct {
		header http.Header
		body   string
	}{
		"no event":   {http.Header{"Content-Type": {"application/json"}}, "{}"},
		"a form":     {form, "payload=%7B%7D"},
		"no JSON":    {delivered(event), "{"},
		"long event": {delivered(strings.Repeat("x", 2000)), "{}"},
		"deep JSON":  {delivered(event), strings.Repeat("[", 20_000)},
	} {
		var invalid *domain.InvalidError
		if _, err := c.Parse(tt.header, []byte(tt.body)); !errors.As(err, &invalid) {
			t.Errorf("%s: got %v, want an InvalidError", name, err)
		}
	}
}
