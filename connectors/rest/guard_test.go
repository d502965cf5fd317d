package rest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

func TestGuard(t *testing.T) {
	t.Parallel()

	networks := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("100.100.0.0/16")}
	guard := rest.Guard(networks)
	for address, want := range map[string]bool{
		"140.82.121.6:443": true, "140.82.121.6:8443": true, "[2606:50c0:8000::153]:443": true,
		"10.1.2.3:7990": true, "[::ffff:10.1.2.3]:80": true, "[fd00::1]:443": true,
		"140.82.121.6:22": false, "140.82.121.6:80": false, "10.2.0.1:443": false, "127.0.0.1:443": false, "[::1]:443": false,
		"100.100.1.1:80": true, "100.100.100.200:80": false, "[fd00:ec2::254]:80": false, "[fd00:ec2::255]:80": true, "[fe80::1%eth0]:443": false,
		"169.254.169.254:80": false, "[fe80::1]:443": false, "0.0.0.0:443": false, "[::ffff:127.0.0.1]:443": false,
		"100.64.0.1:443": false, "[64:ff9b::7f00:1]:443": false, "192.168.1.1:443": false, "nonsense": false,
	} {
		network := "tcp4"
		if address[0] == '[' {
			network = "tcp6"
		}
		if err := guard(t.Context(), network, address, nil); (err == nil) != want {
			t.Errorf("%s: got %v, want allowed %v", address, err, want)
		}
	}
}

// TestPrivateServer: a server in a network that the operator has not allowed is
// not spoken to, whatever its name.
func TestPrivateServer(t *testing.T) {
	t.Parallel()

	w := newWorld(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was reached") })
	w.opt.Networks = nil
	var invalid *domain.InvalidError
	if _, err := w.get(w.client(), rest.Ask{}); !errors.As(err, &invalid) || invalid.Field != "config.baseUrl" {
		t.Errorf("got %v, want an InvalidError of config.baseUrl", err)
	}
	if len(w.waits) > 0 {
		t.Errorf("got %v: it was tried again", w.waits)
	}
}

func TestBase(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]string{
		"https://GIT.example.com/": "https://git.example.com", "https://git.example.com:8443/api": "https://git.example.com:8443/api",
		"http://git.example.com": "", "git.example.com": "", "https://user:pw@git.example.com": "", "https://": "",
		"file:///etc/passwd": "", "https://git.example.com?x=1": "", "https://git.example.com#x": "", "": "", "gopher://x": "",
	} {
		u, err := rest.New(rest.Options{}).Base(text)
		if (err == nil) != (want != "") || err == nil && u.String() != want {
			t.Errorf("%q: got %v, %v, want %q", text, u, err, want)
		}
	}
	if _, err := rest.New(rest.Options{Networks: loopback}).Base("http://127.0.0.1:8080"); err != nil {
		t.Errorf("got %v for plain HTTP where networks are allowed", err)
	}
}

// What is no API goes through the same guard, and no redirect leads around it.
func TestGuarded(t *testing.T) {
	t.Parallel()

	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/away", http.StatusFound)
		}
	}))
	t.Cleanup(web.Close)
	get := func(c *http.Client, path string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err == nil {
			_ = resp.Body.Close() // only whether it came counts
		}
		return err
	}
	if err := get(rest.Guarded(loopback), "/"); err != nil {
		t.Errorf("got %v in a network that is allowed", err)
	}
	if err := get(rest.Guarded(nil), "/"); err == nil {
		t.Error("got an answer of a network that is not allowed")
	}
	if err := get(rest.Guarded(loopback), "/away"); !errors.Is(err, domain.ErrForbidden) {
		t.Errorf("got %v of redirects without an end, want ErrForbidden", err)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()

	if at, err := rest.Resolve(loopback)(t.Context(), "127.0.0.1", 8080); err != nil || !at.IsLoopback() {
		t.Errorf("got %v, %v in a network that is allowed", at, err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "::1", "169.254.169.254", "10.0.0.1"} {
		var invalid *domain.InvalidError
		if at, err := rest.Resolve(nil)(t.Context(), host, 443); !errors.As(err, &invalid) {
			t.Errorf("%s: got %v, %v, want an InvalidError", host, at, err)
		}
	}
}
