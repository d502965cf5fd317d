package main

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-chi/httprate"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/docs"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
	"github.com/confuse/data-connector/projections"
)

// localOwner owns everything where callers are not told apart.
const localOwner domain.OwnerID = "local"

// handler answers requests: all of them with the role api, else only those about
// the process itself.
func (s *service) handler() (http.Handler, error) {
	events, err := docs.AsyncAPI()
	if err != nil {
		return nil, err
	}
	commands, tables := s.useCases(), s.tableStates()
	api := httpapi.New(httpapi.Parts{
		Version:  readBuild().version,
		Commands: commands, Changes: commands,
		Sources: s.reader, Files: s.reader, Jobs: s.reader,
		Events: s.checkedReader(), Contents: s.packs, Folds: s.waiters, Ends: s.commands,
		Auth: s.authenticator(), Checks: s.checks(), Metrics: s.metrics(s.counts), Observe: s.counts.answered, Lost: s.contentLost,
		AsyncAPI: events, Clock: s.clock, Log: s.log,
		Deliveries: s.deliveries(), SourceHooks: s.sourceHooks(),
		Hints: s.reader, Runs: s.reader, Projections: tables,
		Poison: s.reader, Mend: projections.NewPoison(s.db),
		Letters: s.reader, Desk: s.desk(), Replays: s.replayOrders(), Notifications: s.notifications(),
		Options: s.optionsOf, Limits: s.limits(), Counter: s.requestCounter, Origins: s.Origins, Traces: s.traces,
		Filling: s.filling.Load,
	})
	if s.has(roleAPI) {
		return api, nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains([]string{"/health", "/livez", "/readyz", "/metrics"}, r.URL.Path) {
			http.Error(w, "this process does not run the role api", http.StatusNotFound)
			return
		}
		api.ServeHTTP(w, r)
	}), nil
}

// contentLost is httpapi.Lost: the next sync of the source, which begins at once,
// fetches the content again.
func (s *service) contentLost(ctx context.Context, source domain.SourceID, file domain.FileID) error {
	s.counts.lost.Inc()
	src, err := s.reader.Source(ctx, source)
	if err != nil {
		return err
	}
	return s.hints().ContentLost(ctx, src, file)
}

func (s *service) useCases() *ingest.Service {
	return &ingest.Service{
		Log: s.commands, Index: s.reader, Folds: s.waiters, Clock: s.clock, Connectors: s.connectors(),
		Reservations: postgres.NewReservations(s.db), Idempotency: postgres.NewIdempotency(s.db),
		Credentials: s.credentials, MaxLag: s.MaxLag, Logger: s.log,
	}
}

func (s *service) authenticator() httpapi.Authenticator {
	keys := httpapi.APIKeys(keyReads{postgres.NewAPIKeys(s.db, s.clock)})
	switch s.AuthMode {
	case authNone:
		return httpapi.Loopback(localOwner, s.Origins...)
	case authTrusted:
		return httpapi.TrustedHeader(httpapi.Gateway{Token: string(s.ServiceToken), Proxies: s.TrustedProxies, Keys: keys})
	}
	return keys
}

// limits are off where callers are not told apart.
func (s *service) limits() httpapi.Limits {
	if s.AuthMode == authNone {
		return httpapi.Limits{}
	}
	return httpapi.Limits{Connect: s.ConnectLimit, Sync: s.SyncLimit, Other: s.RequestLimit}
}

// requestCounter is httpapi.Counter: the limits hold for all processes together.
func (s *service) requestCounter(name string) httprate.LimitCounter {
	return countedLimit{redis.NewLimits(s.redis, s.RedisPrefix, name), s.counts.uncounted}
}

// optionsOf is httpapi.Options.
func (s *service) optionsOf(provider string) ([]string, bool) {
	c, ok := s.connectors().Find(provider)
	if !ok {
		return nil, false
	}
	var names []string
	for _, o := range ingest.Options(c) {
		names = append(names, o.Name)
	}
	return names, true
}

// keyReads is httpapi.Keys on the table of keys.
type keyReads struct{ table *postgres.APIKeys }

func (k keyReads) Caller(ctx context.Context, key string) (domain.Caller, error) {
	return k.table.Authenticate(ctx, key)
}

// checks are what /health and /readyz look at. Redis is not essential: without it
// commands and reads go on, and jobs wait.
func (s *service) checks() []httpapi.Check {
	return []httpapi.Check{
		{Name: "database", Essential: true, Run: s.db.Ping},
		{Name: "kafka", Essential: true, Run: func(ctx context.Context) error {
			_, err := s.commands.Partitions(ctx)
			return err
		}},
		{Name: "redis", Run: func(ctx context.Context) error {
			_, err := s.redis.Check(ctx)
			return err
		}},
		{Name: "content", Run: s.packs.Check},
		{Name: "tables", Essential: true, Run: func(context.Context) error {
			if s.filling.Load() {
				return errFilling
			}
			return nil
		}},
	}
}
