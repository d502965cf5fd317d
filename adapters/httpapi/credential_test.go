package httpapi_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// What callers write is what the use case is given.
func TestCredentials(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		fields string
		want   *domain.Credential
	}{
		"none":       {``, nil},
		"null":       {`,"accessToken":null`, nil},
		"token":      {`,"accessToken":"t"`, &domain.Credential{Kind: domain.CredentialToken, Secret: "t"}},
		"snake case": {`,"access_token":"t"`, &domain.Credential{Kind: domain.CredentialToken, Secret: "t"}},
		"both":       {`,"access_token":"t","accessToken":"t"`, &domain.Credential{Kind: domain.CredentialToken, Secret: "t"}},
		"basic":      {`,"accessToken":"t","username":"ann@example.com"`, &domain.Credential{Kind: domain.CredentialBasic, Username: "ann@example.com", Secret: "t"}},
		"app": {`,"privateKey":"-----BEGIN\nX\n","appId":"1","installationId":"2"`, &domain.Credential{
			Kind: domain.CredentialApp, Secret: "-----BEGIN\nX\n", Settings: map[string]string{"app_id": "1", "installation_id": "2"},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld()
			if r := call(t, httpapi.New(parts(w)), "POST", "/sources", `{"type":"localfs","config":{}`+tt.fields+`}`); r.StatusCode != 201 {
				t.Fatalf("got %d: %s", r.StatusCode, r.Body)
			}
			if diff := cmp.Diff(tt.want, w.connects[0].Credential); diff != "" {
				t.Errorf("credential (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAttachCredential(t *testing.T) {
	t.Parallel()

	w := newWorld()
	path := "/sources/" + annSource.String() + "/credential"
	if r := call(t, httpapi.New(parts(w)), "POST", path, `{"accessToken":"t"}`, "Idempotency-Key", "k"); r.StatusCode != 200 {
		t.Fatalf("got %d: %s", r.StatusCode, r.Body)
	}
	want := []changeAsk{{"attach", ingest.CredentialRequest{
		Owner: "ann", Source: annSource, Key: "k", Credential: domain.Credential{Kind: domain.CredentialToken, Secret: "t"},
	}}}
	if diff := cmp.Diff(want, w.changes, cmp.AllowUnexported(changeAsk{})); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	wantRefusal(t, call(t, httpapi.New(parts(newWorld())), "POST", "/sources/"+bobSource.String()+"/credential", `{"accessToken":"t"}`), 404, "SOURCE_NOT_FOUND")
}
