package rest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// A credential that was refused is renewed once, and the call made again with its body,
// whatever it does: it did nothing.
func TestRenewed(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		good    string // what the server takes
		renews  bool   // there may be another one
		err     error
		calls   int
		renewed int
	}{
		"good":                {good: "one", renews: true, calls: 1},
		"refused":             {good: "two", renews: true, calls: 2, renewed: 1},
		"both are refused":    {good: "three", renews: true, err: domain.ErrUnauthorized, calls: 2, renewed: 1},
		"there is no other":   {good: "two", err: domain.ErrUnauthorized, calls: 1, renewed: 1},
		"nobody ever answers": {good: "none", renews: true, err: domain.ErrTransient, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				switch {
				case tt.good == "none" || err != nil || string(body) != "all of it":
					rw.WriteHeader(http.StatusBadGateway)
				case r.Header.Get("Authorization") != tt.good:
					rw.WriteHeader(http.StatusUnauthorized)
				}
			})
			shown, renewed := "one", 0
			account := rest.Account{Base: w.base, Key: "key", Authorize: func(r *http.Request) error {
				r.Header.Set("Authorization", shown)
				return nil
			}, Renew: func(began time.Time) bool {
				if !began.Equal(noon) {
					t.Errorf("got a call that began at %v, want noon", began)
				}
				shown, renewed = "two", renewed+1
				return tt.renews
			}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base.String(), strings.NewReader("all of it"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := rest.New(w.opt).Client(account).Do(req)
			if err == nil {
				_ = resp.Body.Close() // it is empty
			}
			if !errors.Is(err, tt.err) || len(w.asked) != tt.calls || renewed != tt.renewed {
				t.Errorf("got %v by %d calls, renewed %d times; want %v, %d, %d", err, len(w.asked), renewed, tt.err, tt.calls, tt.renewed)
			}
		})
	}
}
