package notify_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A proxy stands for the whole internet: every host that one connects to through
// it answers as given, under a certificate of an authority of its own.
type proxy struct {
	URL       string
	Authority string // file of the certificate to be trusted
	key       *ecdsa.PrivateKey
	root      *x509.Certificate
	answer    func(w http.ResponseWriter, r *http.Request) // nil: nobody can be reached
	left      chan struct{}                                // not nil: it never answers, and one comes for each who has hung up
}

func newProxy(t *testing.T, answer func(http.ResponseWriter, *http.Request)) *proxy {
	t.Helper()
	return startProxy(t, &proxy{answer: answer})
}

// newMuteProxy is one that never answers; left hears of each who has hung up.
func newMuteProxy(t *testing.T, left chan struct{}) *proxy {
	t.Helper()
	return startProxy(t, &proxy{answer: func(http.ResponseWriter, *http.Request) {}, left: left})
}

func startProxy(t *testing.T, p *proxy) *proxy {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.key, p.Authority, p.root = key, filepath.Join(t.TempDir(), "authority.pem"), &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, p.root, p.root, key.Public(), key)
	err = errors.Join(err, os.WriteFile(p.Authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// certify makes a certificate for whatever host is asked for.
func (p *proxy) certify(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{hello.ServerName}, NotBefore: p.root.NotBefore, NotAfter: p.root.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, p.root, p.key.Public(), p.key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: p.key}, err
}

// ServeHTTP is what a proxy does, but that the host behind it is this one.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		p.answer(w, r)
		return
	}
	if p.answer == nil {
		http.Error(w, "nobody there", http.StatusBadGateway)
		return
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		return
	}
	defer conn.Close() //nolint:errcheck // nothing is lost
	// Not before: the server could take what the other side sends next.
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	secure := tls.Server(conn, &tls.Config{GetCertificate: p.certify, MinVersion: tls.VersionTLS12})
	p.serveOne(secure)
}

// serveOne answers one request, and waits until the other side has hung up: whoever
// hangs up first may take the answer away.
func (p *proxy) serveOne(conn *tls.Conn) {
	in, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	if p.left != nil {
		_, _ = io.Copy(io.Discard, conn)
		p.left <- struct{}{}
		return
	}
	out := httptest.NewRecorder()
	p.answer(out, in)
	answer := out.Result()
	answer.Close = true
	_ = answer.Write(conn) // whoever is gone needs no answer
	_ = conn.CloseWrite()
	_, _ = io.Copy(io.Discard, conn)
}
