package rest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/confuse/data-connector/domain"
)

// errRefused refuses a plain connection to somewhere else than the operator's
// networks.
var errRefused = errors.New("address is not allowed")

// A Control is asked before a connection is made, with the address that a name
// resolved to: it is net.Dialer.ControlContext.
type Control = func(ctx context.Context, network, address string, c syscall.RawConn) error

// newDialer makes the transport under all accounts. It uses no proxy, which would
// hide where a connection goes to.
func newDialer(control Control) *http.Transport {
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, ControlContext: control}
	return &http.Transport{
		DialContext: d.DialContext, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 256 << 10,
	}
}

// via is the transport for a request: what is not encrypted stays in the
// operator's networks.
func (t *transport) via(req *http.Request) *http.Transport {
	if req.URL.Scheme == "https" {
		return t.tls
	}
	return t.plain
}

// Guarded makes a client for what is no API: git, and files that lie elsewhere. It
// connects where a [Guard] of the same networks lets it, by plain HTTP into these
// alone, and follows few redirects, none from https to http. Nothing is paced and
// no whole answer is waited for; its first byte is, for a minute.
func Guarded(networks []netip.Prefix) *http.Client {
	p := &Paced{tls: newDialer(Guard(networks)), plain: newDialer(within(networks))}
	p.tls.ResponseHeaderTimeout, p.plain.ResponseHeaderTimeout = time.Minute, time.Minute
	return &http.Client{Transport: guarded{&transport{Paced: p}}, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects || via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
			return fmt.Errorf("rest: redirected to %s, %d times: %w", req.URL.Scheme, len(via), domain.ErrForbidden)
		}
		return nil
	}}
}

// guarded is a transport without its limits.
type guarded struct{ t *transport }

func (g guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	return g.t.via(req).RoundTrip(req)
}

// Guard refuses connections to addresses that are not public. A name that changes
// its mind does not help, for the address is what is looked at. networks are the
// operator's exceptions, on any port; link-local addresses and the others where
// clouds keep their secrets are never one.
func Guard(networks []netip.Prefix) Control {
	public, inside := ssrf.New(ssrf.WithPorts(443, 8443)), within(networks)
	return func(ctx context.Context, network, address string, c syscall.RawConn) error {
		if inside(ctx, network, address, c) == nil {
			return nil
		}
		return public.Safe(network, address, c)
	}
}

// within allows the operator's networks and nothing else.
func within(networks []netip.Prefix) Control {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return errRefused
		}
		ip := at.Addr().Unmap().WithZone("")
		if ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() || slices.Contains(metadata(), ip) {
			return errRefused
		}
		for _, n := range networks {
			if n.Contains(ip) {
				return nil
			}
		}
		return errRefused
	}
}

// metadata are the addresses at which clouds keep their secrets that look like those
// of a private network: of AWS, Alibaba, Oracle and Azure.
func metadata() []netip.Addr {
	return []netip.Addr{
		netip.AddrFrom16([16]byte{0: 0xfd, 2: 0x0e, 3: 0xc2, 14: 0x02, 15: 0x54}), // fd00:ec2::254
		netip.AddrFrom4([4]byte{100, 100, 100, 200}), netip.AddrFrom4([4]byte{192, 0, 0, 192}), netip.AddrFrom4([4]byte{168, 63, 129, 16}),
	}
}

// Resolve gives an address of host that a [Guard] of the same networks lets pass,
// for programs that dial by themselves: they are to be pinned to it. An
// InvalidError names no field: there is none.
func Resolve(networks []netip.Prefix) func(ctx context.Context, host string, port int) (netip.Addr, error) {
	guard := Guard(networks)
	return func(ctx context.Context, host string, port int) (netip.Addr, error) {
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("rest: resolve %q: %w: %w", host, domain.ErrTransient, err)
		}
		for _, ip := range found {
			ip = ip.Unmap()
			network := "tcp6"
			if ip.Is4() {
				network = "tcp4"
			}
			if guard(ctx, network, netip.AddrPortFrom(ip, uint16(port)).String(), nil) == nil {
				return ip, nil
			}
		}
		return netip.Addr{}, &domain.InvalidError{Problem: "leads to an address that is not allowed", Allowed: allowedAddresses}
	}
}

// allowedAddresses says what is let pass.
const allowedAddresses = "a public address, by https on port 443 or 8443, or one in the networks that the operator allows"
