package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"encoding/pem"
)

func TestKafkaOptions(t *testing.T) {
	t.Parallel()

	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	dir := t.TempDir()
	authority, empty := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "empty.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const user = " KAFKA_SASL_USERNAME=u KAFKA_SASL_PASSWORD=p"
	tests := map[string]struct {
		environ  string
		tls, own bool // whether with TLS, and with our own authorities
		sasl     string
		err      string
	}{
		"plain":             {},
		"TLS":               {environ: "KAFKA_SECURITY_PROTOCOL=SSL", tls: true},
		"own authority":     {environ: "KAFKA_SECURITY_PROTOCOL=SSL KAFKA_SSL_CA_FILE=" + authority, tls: true, own: true},
		"no authority":      {environ: "KAFKA_SECURITY_PROTOCOL=SSL KAFKA_SSL_CA_FILE=" + empty, err: "holds no certificate"},
		"missing authority": {environ: "KAFKA_SECURITY_PROTOCOL=SSL KAFKA_SSL_CA_FILE=/none", err: "KAFKA_SSL_CA_FILE: open /none"},
		"password":          {environ: "KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT" + user, sasl: "PLAIN"},
		"SCRAM 256":         {environ: "KAFKA_SECURITY_PROTOCOL=SASL_SSL KAFKA_SASL_MECHANISM=SCRAM-SHA-256" + user, tls: true, sasl: "SCRAM-SHA-256"},
		"SCRAM 512":         {environ: "KAFKA_SECURITY_PROTOCOL=SASL_SSL KAFKA_SASL_MECHANISM=SCRAM-SHA-512" + user, tls: true, sasl: "SCRAM-SHA-512"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c, err := loadConfig(mapOf(strings.Fields(tt.environ)))
			if err != nil {
				t.Fatal(err)
			}
			o, err := c.kafkaOptions(slog.New(slog.DiscardHandler))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || (o.TLS != nil) != tt.tls || (o.TLS != nil && o.TLS.RootCAs != nil) != tt.own {
				t.Fatalf("got TLS %v, %v, want %v with own authorities %v", o.TLS, err, tt.tls, tt.own)
			}
			sasl := ""
			if o.SASL != nil {
				sasl = o.SASL.Name()
			}
			if sasl != tt.sasl {
				t.Errorf("got mechanism %q, want %q", sasl, tt.sasl)
			}
		})
	}
}
