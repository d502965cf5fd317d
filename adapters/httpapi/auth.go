package httpapi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/confuse/data-connector/domain"
)

// An Authenticator tells who sent a request. ErrUnauthorized: nobody we know;
// ErrForbidden: nobody may ask like this.
type Authenticator interface {
	Authenticate(r *http.Request) (Identity, error)
}

// An Identity is who asks.
type Identity struct {
	domain.Caller
	// Gateway is a trusted gateway. Where it names no owner (Owner is empty), the
	// owner follows from the unguessable id on POST /ingest and GET /jobs/{id}, and
	// on no other endpoint: the one exception to I10.
	Gateway bool
}

// Keys looks API keys up.
type Keys interface {
	// Caller is who holds key. ErrUnauthorized: unknown, expired or revoked.
	Caller(ctx context.Context, key string) (domain.Caller, error)
}

// APIKeys authenticates by API key, from "Authorization: Bearer dck_..." or
// X-API-Key.
func APIKeys(keys Keys) Authenticator { return apiKeys{keys} }

type apiKeys struct{ keys Keys }

const keyPrefix = "dck_"

func (a apiKeys) Authenticate(r *http.Request) (Identity, error) {
	key := r.Header.Get("X-API-Key")
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, bearer, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") || key != "" && key != bearer {
			return Identity{}, fmt.Errorf("authorization is not one bearer key: %w", domain.ErrUnauthorized)
		}
		key = bearer
	}
	if !strings.HasPrefix(key, keyPrefix) || len(key) > 256 {
		return Identity{}, fmt.Errorf("no key: %w", domain.ErrUnauthorized)
	}
	caller, err := a.keys.Caller(r.Context(), key)
	return Identity{Caller: caller}, err
}

// Loopback takes every request from this machine as owner's, without a key. It
// refuses other machines, names that are not this machine's (a page that rebinds
// its DNS name to 127.0.0.1 keeps its own name in Host) and writes that a page of
// another origin sends.
// Pages of these origins may write, too; an origin that is none is not trusted,
// and neither is "*".
func Loopback(owner domain.OwnerID, origins ...string) Authenticator {
	a := loopback{owner: owner, origins: http.NewCrossOriginProtection()}
	for _, origin := range origins {
		_ = a.origins.AddTrustedOrigin(origin) // left out: the safe side
	}
	return a
}

type loopback struct {
	owner   domain.OwnerID
	origins *http.CrossOriginProtection
}

func (a loopback) Authenticate(r *http.Request) (Identity, error) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() || !localName(r.Host) {
		return Identity{}, fmt.Errorf("not from this machine: %w", domain.ErrForbidden)
	}
	if err := a.origins.Check(r); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", domain.ErrForbidden, err)
	}
	return Identity{Caller: domain.Caller{Owner: a.owner}}, nil
}

func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// authenticate lets a request through to an operation that needs a caller, with
// the caller in its context. Operations are guarded unless marked open.
func (s *Server) authenticate(ctx huma.Context, next func(huma.Context)) {
	if isOpen(ctx.Operation()) {
		next(ctx)
		return
	}
	r, w := humachi.Unwrap(ctx)
	who, err := s.Auth.Authenticate(r)
	if err == nil {
		recordOf(ctx.Context()).who = who
		err = permit(who, ctx.Operation())
	}
	if err != nil {
		s.refuse(w, r, s.problem(ctx.Context(), err))
		return
	}
	next(huma.WithValue(ctx, identityKey, who))
}

func permit(who Identity, op *huma.Operation) error {
	need := domain.MayWrite
	switch {
	case op.Metadata[markOperate] != nil:
		need = domain.MayOperate
	case op.Method == http.MethodGet:
		need = domain.MayRead
	}
	if !who.May(need) {
		return fmt.Errorf("right %s is missing: %w", need, domain.ErrForbidden)
	}
	if who.Owner == "" && (!who.Gateway || !ownerless(op)) {
		return fmt.Errorf("no owner named: %w", domain.ErrUnauthorized)
	}
	return nil
}

// owner is whose sources the request may see (I10); empty only where permit lets
// a gateway through without one.
func owner(ctx context.Context) domain.OwnerID {
	who, _ := ctx.Value(identityKey).(Identity) // the zero one owns nothing
	return who.Owner
}

// anyOwner reports whether a trusted gateway left the owner to the id.
func anyOwner(ctx context.Context) bool {
	who, _ := ctx.Value(identityKey).(Identity)
	return who.Gateway && who.Owner == ""
}

// who is the caller of a guarded operation.
func who(ctx context.Context) domain.Caller {
	who, _ := ctx.Value(identityKey).(Identity) // there is one on every guarded operation
	return who.Caller
}
