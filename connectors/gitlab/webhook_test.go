package gitlab_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/domain"
)

// The vectors of Standard Webhooks, and of a token as GitLab makes them.
const (
	standardKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	standardSum = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	standardRaw = `{"test": 2432232314}`
	gitlabKey   = "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q="
	gitlabSum   = "v1,Q/Xs0AQwFCrSU+Jqzp4d4uGCI2fQlx3ls7vaEn5SqGY="
	gitlabRaw   = `{"object_kind":"push"}`
)

func standard(signature string) http.Header {
	return http.Header{"Webhook-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Webhook-Timestamp": {"1614265330"}, "Webhook-Signature": {signature}}
}

func without(h http.Header, name string) http.Header {
	h.Del(name)
	return h
}

func having(h http.Header, name string, values ...string) http.Header {
	h[name] = values
	return h
}

func signedWith(t *testing.T, key, id string, at time.Time, body string) http.Header {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_"))
	if err != nil || len(raw) != 32 {
		t.Fatalf("got a key of %d bytes, %v, want 32", len(raw), err)
	}
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte(id + "." + seconds + "." + body))
	return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {seconds}, "Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
}

// TestVerifySigned: HMAC over id, time and body.
func TestVerifySigned(t *testing.T) {
	t.Parallel()

	at := time.Unix(1614265330, 0)
	tests := map[string]struct {
		header  http.Header
		body    string
		secrets []domain.Secret
		now     time.Time
		ok      bool
	}{
		"vector of Standard Webhooks": {standard(standardSum), standardRaw, []domain.Secret{standardKey}, at, true},
		"vector of GitLab": {
			http.Header{"Webhook-Id": {"f5e5f430-f57b-4e6e-9fac-d9128cd7232f"}, "Webhook-Timestamp": {"1744578123"}, "Webhook-Signature": {gitlabSum}},
			gitlabRaw, []domain.Secret{gitlabKey}, time.Unix(1744578123, 0), true,
		},
		"second secret of a rotation":   {standard(standardSum), standardRaw, []domain.Secret{gitlabKey, standardKey}, at, true},
		"several, one of them good":     {standard("v1,AAAA v2,x " + standardSum), standardRaw, []domain.Secret{standardKey}, at, true},
		"299 s old":                     {standard(standardSum), standardRaw, []domain.Secret{standardKey}, at.Add(299 * time.Second), true},
		"301 s old":                     {standard(standardSum), standardRaw, []domain.Secret{standardKey}, at.Add(301 * time.Second), false},
		"301 s ahead":                   {standard(standardSum), standardRaw, []domain.Secret{standardKey}, at.Add(-301 * time.Second), false},
		"another body":                  {standard(standardSum), standardRaw + " ", []domain.Secret{standardKey}, at, false},
		"another id":                    {having(standard(standardSum), "Webhook-Id", "other"), standardRaw, []domain.Secret{standardKey}, at, false},
		"another time":                  {having(standard(standardSum), "Webhook-Timestamp", "1614265331"), standardRaw, []domain.Secret{standardKey}, at, false},
		"time written otherwise":        {having(standard(standardSum), "Webhook-Timestamp", "+1614265330"), standardRaw, []domain.Secret{standardKey}, at, false},
		"no id":                         {without(standard(standardSum), "Webhook-Id"), standardRaw, []domain.Secret{standardKey}, at, false},
		"no time":                       {without(standard(standardSum), "Webhook-Timestamp"), standardRaw, []domain.Secret{standardKey}, at, false},
		"no signature":                  {without(standard(standardSum), "Webhook-Signature"), standardRaw, []domain.Secret{standardKey}, at, false},
		"empty signature":               {standard("v1,"), standardRaw, []domain.Secret{standardKey}, at, false},
		"version 2 alone":               {standard(strings.Replace(standardSum, "v1", "v2", 1)), standardRaw, []domain.Secret{standardKey}, at, false},
		"version 1a":                    {standard(strings.Replace(standardSum, "v1", "v1a", 1)), standardRaw, []domain.Secret{standardKey}, at, false},
		"two headers":                   {having(standard(""), "Webhook-Signature", standardSum, standardSum), standardRaw, []domain.Secret{standardKey}, at, false},
		"eleventh of many":              {standard(strings.Repeat("v1,AAAA ", 10) + standardSum), standardRaw, []domain.Secret{standardKey}, at, false},
		"ten thousand":                  {standard(strings.Repeat("v1,AAAA ", 10_000) + standardSum), standardRaw, []domain.Secret{standardKey}, at, false},
		"no secret":                     {standard(standardSum), standardRaw, nil, at, false},
		"empty secret":                  {standard(standardSum), standardRaw, []domain.Secret{""}, at, false},
		"a key that is none":            {standard(standardSum), standardRaw, []domain.Secret{"whsec_*"}, at, false},
		"no key behind the prefix":      {standard(standardSum), standardRaw, []domain.Secret{"whsec_"}, at, false},
		"wrong, with a token beside it": {having(standard("v1,AAAA"), "X-Gitlab-Token", "token"), standardRaw, []domain.Secret{"token"}, at, false},
	}
	c := newConnector(t, connectortest.NewClock(noon))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			err := c.Verify(tt.header, []byte(tt.body), tt.secrets, tt.now)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, domain.ErrForbidden) {
				t.Errorf("got %v, want ok %v", err, tt.ok)
			}
		})
	}
}

// TestVerifyToken: the secret token of all versions.
func TestVerifyToken(t *testing.T) {
	t.Parallel()

	one := func(v ...string) http.Header { return http.Header{"X-Gitlab-Token": v} }
	for name, tt := range map[string]struct {
		header  http.Header
		secrets []domain.Secret
		ok      bool
	}{
		"right":                       {one("s3cret"), []domain.Secret{"s3cret"}, true},
		"second of a rotation":        {one("s3cret"), []domain.Secret{"new", "s3cret"}, true},
		"wrong":                       {one("other"), []domain.Secret{"s3cret"}, false},
		"longer":                      {one("s3cret2"), []domain.Secret{"s3cret"}, false},
		"other letters":               {one("S3CRET"), []domain.Secret{"s3cret"}, false},
		"no header":                   {http.Header{}, []domain.Secret{"s3cret"}, false},
		"empty header":                {one(""), []domain.Secret{"s3cret"}, false},
		"empty header, empty secret":  {one(""), []domain.Secret{""}, false},
		"no secret":                   {one("s3cret"), nil, false},
		"two headers":                 {one("s3cret", "s3cret"), []domain.Secret{"s3cret"}, false},
		"long header":                 {one(strings.Repeat("x", 2000)), []domain.Secret{domain.Secret(strings.Repeat("x", 2000))}, false},
		"a signing token as a token":  {one(gitlabKey), []domain.Secret{gitlabKey}, false},
		"id and time prove nothing":   {http.Header{"Webhook-Id": {"x"}, "Webhook-Timestamp": {"1"}}, []domain.Secret{"s3cret"}, false},
		"token beside id and time":    {having(one("s3cret"), "Webhook-Id", "x"), []domain.Secret{"s3cret"}, true},
		"one of two secrets is empty": {one(""), []domain.Secret{"", "s3cret"}, false},
	} {
		err := newConnector(t, connectortest.NewClock(noon)).Verify(tt.header, []byte("{}"), tt.secrets, noon)
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, domain.ErrForbidden) {
			t.Errorf("%s: got %v, want ok %v", name, err, tt.ok)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()

	const project = `"project":{"id":7,"web_url":"https://GitLab.com/group/hello"}`
	tests := map[string]struct {
		header, body string
		key, event   string // of the one notice; no key: it is ignored
		refs         []string
	}{
		"push":                       {"Push Hook", `{"object_kind":"push","ref":"refs/heads/main","before":"00","commits":[{"id":"x"}],` + project + `}`, "gitlab.com/7", "push", []string{"refs/heads/main"}},
		"tag":                        {"Tag Push Hook", `{"object_kind":"tag_push","ref":"refs/tags/v1",` + project + `}`, "gitlab.com/7", "tag_push", []string{"refs/tags/v1"}},
		"issue":                      {"Issue Hook", `{"object_kind":"issue","object_attributes":{"iid":5,"action":"open"},` + project + `}`, "gitlab.com/7", "issue.open", []string{"@issues/5.md"}},
		"confidential issue":         {"Confidential Issue Hook", `{"object_kind":"issue","event_type":"confidential_issue","object_attributes":{"iid":5,"action":"update"},` + project + `}`, "gitlab.com/7", "issue.update", []string{"@issues/5.md"}},
		"task":                       {"Work Item Hook", `{"object_kind":"work_item","object_attributes":{"iid":6,"action":"open"},` + project + `}`, "gitlab.com/7", "work_item.open", []string{"@issues/6.md"}},
		"merge request":              {"Merge Request Hook", `{"object_kind":"merge_request","object_attributes":{"iid":8,"action":"merge"},` + project + `}`, "gitlab.com/7", "merge_request.merge", []string{"@merge_requests/8.md"}},
		"comment on an issue":        {"Note Hook", `{"object_kind":"note","object_attributes":{"noteable_type":"Issue"},"issue":{"iid":5},` + project + `}`, "gitlab.com/7", "note", []string{"@issues/5.md"}},
		"comment on a merge request": {"Note Hook", `{"object_kind":"note","object_attributes":{"noteable_type":"MergeRequest","action":"create"},"merge_request":{"iid":8},` + project + `}`, "gitlab.com/7", "note.create", []string{"@merge_requests/8.md"}},
		"wiki":                       {"Wiki Page Hook", `{"object_kind":"wiki_page","object_attributes":{"slug":"home","action":"delete"},` + project + `}`, "gitlab.com/7", "wiki_page.delete", []string{"@wiki/home"}},
		"release":                    {"Release Hook", `{"object_kind":"release","tag":"v/1","action":"create",` + project + `}`, "gitlab.com/7", "release.create", []string{"@releases/v%2F1.md"}},
		"comment on a commit":        {"Note Hook", `{"object_kind":"note","object_attributes":{"noteable_type":"Commit"},` + project + `}`, "", "note", nil},
		"pipeline":                   {"Pipeline Hook", `{"object_kind":"pipeline",` + project + `}`, "", "pipeline", nil},
		"system hook":                {"System Hook", `{"event_name":"project_rename","project_id":7}`, "", "project_rename", nil},
		"push of the whole server":   {"System Hook", `{"object_kind":"push","event_name":"push",` + project + `}`, "", "push", nil},
		"of no project":              {"Push Hook", `{"object_kind":"push"}`, "", "push", nil},
		"an event that is new":       {"Moon Hook", `{"object_kind":"moon",` + project + `}`, "", "moon", nil},
		"another shape":              {"Push Hook", `{"object_kind":"push","project":"x"}`, "", "push", nil},
		"a list":                     {"Push Hook", `[]`, "", "Push Hook", nil},
	}
	c := newConnector(t, connectortest.NewClock(noon))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			d, err := c.Parse(delivered(tt.header), []byte(tt.body))
			if err != nil || d.ID != "key" || d.Event != tt.event {
				t.Fatalf("got %+v, %v", d, err)
			}
			if tt.key == "" {
				if about := strings.Contains(tt.body, project); len(d.Notices) > 0 || d.Ignored == "" || (d.About == "gitlab.com/7") != about {
					t.Errorf("got %+v, want it ignored with a reason, and what it is about", d)
				}
				return
			}
			if len(d.Notices) != 1 || d.Notices[0].ExternalKey != tt.key || !slices.Equal(d.Notices[0].Refs, tt.refs) || d.Ignored != "" {
				t.Errorf("got %+v, want a notice of %q, %q", d, tt.key, tt.refs)
			}
		})
	}
}

func delivered(event string) http.Header {
	return http.Header{
		"X-Gitlab-Event": {event}, "Idempotency-Key": {"key"}, "X-Gitlab-Event-Uuid": {"shared"}, "X-Gitlab-Webhook-Uuid": {"random"},
		"Content-Type": {"application/json"},
	}
}

// TestDeliveryID: only what is stable over repetitions names a delivery.
func TestDeliveryID(t *testing.T) {
	t.Parallel()

	c := newConnector(t, connectortest.NewClock(noon))
	for want, h := range map[string]http.Header{
		"key":    delivered("Push Hook"),
		"signed": having(delivered("Push Hook"), "Webhook-Id", "signed"),
		"":       without(delivered("Push Hook"), "Idempotency-Key"),
	} {
		if d, err := c.Parse(h, []byte(gitlabRaw)); err != nil || d.ID != want || d.IDSigned {
			t.Errorf("got %q, signed %v, %v, want %q", d.ID, d.IDSigned, err, want)
		}
		if d, err := c.Parse(having(h, "Webhook-Signature", "v1,s"), []byte(gitlabRaw)); err != nil || d.IDSigned != (want == "signed") {
			t.Errorf("%q beside a signature: got signed %v, %v", want, d.IDSigned, err)
		}
	}
}

// TestTemplate: what a template of the project has left nothing of is a notice of
// the source that its address names.
func TestTemplate(t *testing.T) {
	t.Parallel()

	d, err := newConnector(t, connectortest.NewClock(noon)).Parse(delivered("Push Hook"), []byte(`{"text":"pushed"}`))
	if err != nil || len(d.Notices) != 1 || d.Notices[0].ExternalKey != "" {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()

	forgetest.Unread(t, newConnector(t, connectortest.NewClock(noon)), delivered, "Push Hook")
}
