package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/confuse/data-connector/domain"
)

// When webhooks are looked after.
const (
	hookLease   = time.Minute         // one process has a source's hook for so long
	hookHealth  = 6 * time.Hour       // how often the provider is asked whether it is still right
	hookRenewal = 24 * time.Hour      // before it expires it is made anew
	hookPause   = 5 * time.Minute     // behind the first failure; doubled by each
	hookLongest = 24 * time.Hour      // at most
	secretLasts = 90 * 24 * time.Hour // then there is another one
)

// A Registrar keeps webhooks at providers as they should be: it makes or adopts
// them, repairs them, gives them new secrets and removes them. Polling keeps
// everything right without it. Several may run; one at a time has a source.
type Registrar struct {
	Log         domain.Log // for hints and commands
	Index       domain.Index
	Hooks       HookTable
	Connectors  Connectors
	Credentials domain.Credentials
	Clock       domain.Clock
	Cache       string // as the Engine's
	PublicURL   string // where providers reach the service
	// Turn gives key to one of several registrars for d; false: another one has it.
	Turn    func(ctx context.Context, key string, d time.Duration) (bool, error)
	Changed <-chan struct{} // gets a value when a source has changed
	Logger  *slog.Logger

	read map[domain.SourceID]reading // logs of deliveries
}

// Run works until ctx ends. What goes wrong with one source is kept in its row.
func (r *Registrar) Run(ctx context.Context) error {
	for {
		if err := r.Once(ctx); err != nil && ctx.Err() == nil {
			r.Logger.ErrorContext(ctx, "webhooks", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.Changed:
		case <-r.Clock.After(everyMinute):
		}
	}
}

// Once looks at every source once.
func (r *Registrar) Once(ctx context.Context) error {
	for src, err := range r.Index.Candidates(ctx) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		admin, ok := r.admin(src)
		if !ok || src.Removing || src.Waits() {
			continue
		}
		if src.CredentialID != "" {
			if err := r.look(ctx, src, admin); err != nil && ctx.Err() == nil {
				r.Logger.WarnContext(ctx, "webhook", "source", src.ID, "err", err)
			}
		}
		if err := r.reconcile(ctx, src, admin); err != nil && ctx.Err() == nil {
			r.Logger.WarnContext(ctx, "webhook", "source", src.ID, "err", err)
		}
	}
	return nil
}

func (r *Registrar) admin(src domain.Source) (domain.WebhookAdmin, bool) {
	conn, ok := r.Connectors.Find(string(src.Provider))
	if !ok {
		return nil, false
	}
	_, parses := conn.(domain.WebhookParser)
	admin, ok := conn.(domain.WebhookAdmin)
	return admin, ok && parses
}

// look does what is due for the hook of src.
func (r *Registrar) look(ctx context.Context, src domain.Source, admin domain.WebhookAdmin) error {
	h, err := r.Hooks.Of(ctx, src.ID)
	if errors.Is(err, domain.ErrSourceNotFound) {
		h, err = newHook(src, r.Clock.Now()), nil
	}
	if err != nil || !r.due(src, h) {
		return err
	}
	if ours, err := r.Turn(ctx, "hook:"+src.ID.String(), hookLease); err != nil || !ours {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, hookLease/2)
	defer cancel()
	return r.ensure(limited, src, h, admin)
}

// due decides whether the provider is to be asked now.
func (r *Registrar) due(src domain.Source, h SourceHook) bool {
	now := r.Clock.Now()
	if h.Failure != "" && now.Before(h.TriedAt.Add(min(hookPause<<min(h.Tries-1, 16), hookLongest))) {
		return false
	}
	return h.EnsuredAt.Before(h.SecretAt) || h.Failure != "" || h.URL != addressOf(r.PublicURL, h) || h.HookID != src.HookID ||
		!now.Before(h.EnsuredAt.Add(hookHealth)) || h.worn(now) ||
		!h.ExpiresAt.IsZero() && !now.Before(h.ExpiresAt.Add(-hookRenewal))
}

// ensure makes the hook right, in steps of which each finds what a death behind the
// one before has left:
//
//   - row before provider: a delivery never meets an unknown address or secret; what
//     was asked for is asked for again.
//   - provider before row: the provider adopts the hook by its URL.
//   - row before event: row and fold differ, so it is due.
func (r *Registrar) ensure(ctx context.Context, src domain.Source, h SourceHook, admin domain.WebhookAdmin) error {
	if h.worn(r.Clock.Now()) {
		h = h.rotated(r.Clock.Now())
	}
	h.URL, h.TriedAt = addressOf(r.PublicURL, h), r.Clock.Now()
	if err := r.put(ctx, &h); err != nil {
		return err
	}
	scope, _, err := scoper{r.Cache, r.Credentials}.scope(src)
	if err != nil {
		return err
	}
	made, err := admin.EnsureHook(ctx, scope, domain.Hook{ID: h.HookID, URL: h.URL, Secret: h.Secret, ExpiresAt: h.ExpiresAt})
	if err != nil {
		h.Tries, h.Failure = h.Tries+1, failureOf(err)
		return errors.Join(fmt.Errorf("ensure: %w", err), r.put(context.WithoutCancel(ctx), &h))
	}
	h.HookID, h.ExpiresAt, h.EnsuredAt, h.Tries, h.Failure = made.ID, made.ExpiresAt, r.Clock.Now(), 0, ""
	if err := r.put(ctx, &h); err != nil {
		return err
	}
	if src.HookID == h.HookID && src.HookExpiresAt.Equal(h.ExpiresAt) {
		return nil
	}
	e, err := src.EnsureHook(h.HookID, h.ExpiresAt, r.Clock.Now())
	if err != nil {
		return err
	}
	return r.append(ctx, src, e)
}

// put keeps h, whose version it raises.
func (r *Registrar) put(ctx context.Context, h *SourceHook) error {
	if err := r.Hooks.Put(ctx, *h); err != nil {
		return err
	}
	h.Version++
	return nil
}

// failureOf is why a hook could not be made, for the people of the source.
func failureOf(err error) string {
	switch {
	case errors.Is(err, domain.ErrForbidden):
		return "the credential may not manage webhooks; the source is polled"
	case errors.Is(err, domain.ErrUnauthorized):
		return "the provider refuses the credential"
	case errors.Is(err, domain.ErrGone):
		return "the provider does not find the source"
	}
	return shortText(err.Error())
}

func (r *Registrar) append(ctx context.Context, src domain.Source, e domain.SourceChanged) error {
	id, err := domain.NewEventID()
	if err != nil {
		return err
	}
	if _, err := r.Log.Append(ctx, domain.Message{ID: id, Time: e.At, Partition: src.Partition, Event: e}); err != nil {
		return fmt.Errorf("append %s: %w", e.Change, err)
	}
	return nil
}

// Forget removes the hook of a source that is being removed, while its credential
// is still there. The provider is asked once: what it keeps is refused from now on.
func (r *Registrar) Forget(ctx context.Context, src domain.Source) error {
	h, err := r.Hooks.Of(ctx, src.ID)
	if errors.Is(err, domain.ErrSourceNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if admin, ok := r.admin(src); ok && h.HookID != "" {
		scope, _, err := scoper{r.Cache, r.Credentials}.scope(src)
		if err == nil {
			err = admin.RemoveHook(ctx, scope, h.HookID)
		}
		if err != nil {
			r.Logger.WarnContext(ctx, "a webhook stays at its provider", "source", src.ID, "hook", h.HookID, "err", err)
		}
		src.HookID = h.HookID
		if err := r.append(ctx, src, src.RemoveHook(r.Clock.Now())); err != nil {
			return err
		}
	}
	return r.Hooks.Delete(ctx, src.ID) // last: until then a cut removal comes back here
}
