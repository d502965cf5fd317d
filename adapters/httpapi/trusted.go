package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"unicode"

	"github.com/confuse/data-connector/domain"
)

// Headers of a trusted gateway.
const (
	userHeader    = "X-User-Id"
	serviceHeader = "X-Service-Token"
)

// maxUser is how long a user's name may be, in bytes.
const maxUser = 256

// A Gateway is how a trusted gateway is known: by what it shows or by where it
// is. The zero value trusts nobody.
type Gateway struct {
	Token   string         // in X-Service-Token; empty: no token is right
	Proxies []netip.Prefix // that the direct peer's address is in; X-Forwarded-For is never looked at
	Keys    Authenticator  // of callers who show an API key; nil: there are none
}

// TrustedHeader takes the owner from X-User-Id, which a trusted gateway sets. It
// believes that header from no other peer.
//
// A gateway that sends no X-User-Id is let in without an owner, for what its
// callers need no name for. A caller with an API key is known by it, unless a
// trusted gateway says who it is. ErrUnauthorized: all others, and a wrong or
// repeated X-Service-Token wherever it comes from.
func TrustedHeader(g Gateway) Authenticator {
	digest := sha256.Sum256([]byte(g.Token))
	return trusted{Gateway: g, digest: digest}
}

type trusted struct {
	Gateway
	digest [sha256.Size]byte // of the token, so that a comparison does not tell its length
}

func (t trusted) Authenticate(r *http.Request) (Identity, error) {
	gateway, err := t.gateway(r)
	if err != nil {
		return Identity{}, err
	}
	users := r.Header.Values(userHeader)
	switch {
	case gateway && len(users) > 0:
		owner, err := ownerNamed(users)
		return gatewayFor(owner), err
	case t.Keys != nil && (r.Header.Get("Authorization") != "" || r.Header.Get("X-API-Key") != ""):
		return t.Keys.Authenticate(r)
	case gateway:
		return gatewayFor(""), nil
	}
	return Identity{}, fmt.Errorf("%s is not a trusted peer: %w", peerOf(r), domain.ErrUnauthorized)
}

// gatewayFor may do all that owners may, and nothing that is no owner's.
func gatewayFor(owner domain.OwnerID) Identity {
	return Identity{Gateway: true, Caller: domain.Caller{Owner: owner, Rights: []domain.Right{domain.MayRead, domain.MayWrite}}}
}

// IsGateway implements Gatekeeper.
func (t trusted) IsGateway(r *http.Request) bool {
	ok, err := t.gateway(r)
	return ok && err == nil
}

// gateway reports whether r comes from a trusted peer.
func (t trusted) gateway(r *http.Request) (bool, error) {
	if tokens := r.Header.Values(serviceHeader); len(tokens) > 0 && t.Token != "" {
		given := sha256.Sum256([]byte(tokens[0]))
		if len(tokens) > 1 || subtle.ConstantTimeCompare(given[:], t.digest[:]) != 1 {
			return false, fmt.Errorf("the service token is wrong: %w", domain.ErrUnauthorized)
		}
		return true, nil
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false, nil // a peer without an address is in no network
	}
	addr := peer.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(t.Proxies, func(p netip.Prefix) bool { return p.Contains(addr) }), nil
}

// ownerNamed is the one owner that a gateway names.
func ownerNamed(users []string) (domain.OwnerID, error) {
	name := users[0]
	odd := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }
	if len(users) > 1 || name == "" || len(name) > maxUser || name != domain.Clean(name) || slices.ContainsFunc([]rune(name), odd) {
		return "", fmt.Errorf("%s is not one name: %w", userHeader, domain.ErrUnauthorized)
	}
	return domain.OwnerID(name), nil
}
