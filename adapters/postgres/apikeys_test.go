package postgres_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
)

// A handClock is turned by the test.
type handClock struct{ past atomic.Int64 } // since noon, nanoseconds

func (c *handClock) Now() time.Time                       { return noon.Add(time.Duration(c.past.Load())) }
func (c *handClock) After(time.Duration) <-chan time.Time { return nil }
func (c *handClock) turn(d time.Duration)                 { c.past.Add(int64(d)) }

func TestAPIKey(t *testing.T) {
	t.Parallel()

	clock := &handClock{}
	db := open(t)
	keys := postgres.NewAPIKeys(db, clock)
	read := []domain.Right{domain.MayRead}
	k, secret, err := keys.Create(t.Context(), postgres.APIKey{Owner: "ann", Name: "ci", Rights: read, ExpiresAt: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret, "dck_") || len(secret) != 68 {
		t.Errorf("got a key of %d characters, want dck_ and 64 digits", len(secret))
	}
	caller, err := keys.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(domain.Caller{Owner: "ann", Rights: read, KeyID: k.ID.String()}, caller); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	if caller.May(domain.MayWrite) {
		t.Error("got the right to write from a key that may read")
	}
	var stored int
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM app.api_keys k WHERE to_jsonb(k)::text LIKE '%' || $1 || '%'`, secret[4:]).Scan(&stored); err != nil || stored != 0 {
		t.Errorf("got the key stored %d times, error %v; want never", stored, err)
	}
	clock.turn(time.Hour)
	if _, err := keys.Authenticate(t.Context(), secret); !errors.Is(err, domain.ErrUnauthorized) {
		t.Errorf("got %v when it expired, want ErrUnauthorized", err)
	}
	list, err := keys.List(t.Context(), "ann")
	if err != nil || len(list) != 1 || list[0].ID != k.ID || !list[0].LastUsedAt.Equal(noon) {
		t.Errorf("got %+v, error %v; want the key, used at noon", list, err)
	}
	if list, err := keys.List(t.Context(), "bob"); err != nil || len(list) != 0 {
		t.Errorf("got %d keys of another owner, error %v", len(list), err)
	}
}

func TestAPIKeyUse(t *testing.T) {
	t.Parallel()

	clock := &handClock{}
	keys := postgres.NewAPIKeys(open(t), clock)
	_, secret, err := keys.Create(t.Context(), postgres.APIKey{Owner: "ann", Rights: []domain.Right{domain.MayRead}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ turn, want time.Duration }{{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}} {
		clock.turn(tt.turn)
		if _, err := keys.Authenticate(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		list, err := keys.List(t.Context(), "ann")
		if err != nil || !list[0].LastUsedAt.Equal(noon.Add(tt.want)) {
			t.Errorf("got last use %s, error %v; want %s", list[0].LastUsedAt, err, noon.Add(tt.want))
		}
	}
}

func TestAPIKeyRevoked(t *testing.T) {
	t.Parallel()

	clock := &handClock{}
	keys := postgres.NewAPIKeys(open(t), clock)
	k, secret, err := keys.Create(t.Context(), postgres.APIKey{Owner: "ann", Rights: []domain.Right{domain.MayRead, domain.MayWrite}})
	if err != nil {
		t.Fatal(err)
	}
	for owner, id := range map[domain.OwnerID]uuid.UUID{"bob": k.ID, "ann": uuid.New()} {
		if err := keys.Revoke(t.Context(), owner, id); !errors.Is(err, postgres.ErrKeyNotFound) {
			t.Errorf("got %v for %s, want ErrKeyNotFound", err, owner)
		}
	}
	if _, err := keys.Authenticate(t.Context(), secret); err != nil {
		t.Errorf("got %v before it was revoked", err)
	}
	for range 2 {
		if err := keys.Revoke(t.Context(), "ann", k.ID); err != nil {
			t.Error(err)
		}
		clock.turn(time.Minute)
	}
	if _, err := keys.Authenticate(t.Context(), secret); !errors.Is(err, domain.ErrUnauthorized) {
		t.Errorf("got %v after it was revoked, want ErrUnauthorized", err)
	}
	if list, err := keys.List(t.Context(), "ann"); err != nil || !list[0].RevokedAt.Equal(noon) {
		t.Errorf("got %+v, error %v; want it revoked at noon", list, err)
	}
}

func TestAPIKeyRefused(t *testing.T) {
	t.Parallel()

	keys := postgres.NewAPIKeys(open(t), &handClock{})
	for field, k := range map[string]postgres.APIKey{
		"owner":     {Rights: []domain.Right{domain.MayRead}},
		"scopes":    {Owner: "ann"},
		"expiresAt": {Owner: "ann", Rights: []domain.Right{domain.MayRead}, ExpiresAt: noon},
	} {
		_, _, err := keys.Create(t.Context(), k)
		var invalid *domain.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("got %v, want an InvalidError of %s", err, field)
		}
	}
	if _, _, err := keys.Create(t.Context(), postgres.APIKey{Owner: "ann", Rights: []domain.Right{"admin"}}); err == nil {
		t.Error("got a key with a scope that does not exist")
	}
	for _, secret := range []string{"", "dck_", "dck_" + strings.Repeat("0", 64), "DCK_" + strings.Repeat("0", 64), strings.Repeat("x", 1<<20), "dck_" + strings.Repeat("\x00", 64)} {
		if _, err := keys.Authenticate(t.Context(), secret); !errors.Is(err, domain.ErrUnauthorized) {
			t.Errorf("got %v for a key of %d bytes, want ErrUnauthorized", err, len(secret))
		}
	}
}
