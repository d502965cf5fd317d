package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConfigDefaults(t *testing.T) {
	t.Parallel()

	c, err := loadConfig(map[string]string{"HOME": "/home/me", "PORT": "", "MAX_LAG": ""})
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.Port, c.LogLevel.String(), c.KafkaPrefix, c.KafkaGroup, c.KafkaPartitions, c.CacheDir, c.MaxLag, c.StartupTimeout}
	want := []any{8000, "INFO", "dataconnector", "dataconnector-projector", int32(12), "/home/me/.cache/data-connector", int64(100_000), time.Minute}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestConfigLists(t *testing.T) {
	t.Parallel()

	c, err := loadConfig(map[string]string{"KAFKA_BOOTSTRAP_SERVERS": "a:1, b:2", "FS_ALLOWED_PATHS": "/a/:/b,/c/../d"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a:1", "b:2"}, c.KafkaServers); diff != "" {
		t.Errorf("brokers -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(paths{"/a", "/b", "/d"}, c.AllowedPaths); diff != "" {
		t.Errorf("paths -want +got:\n%s", diff)
	}
	c, err = loadConfig(map[string]string{"TRUSTED_PROXIES": "10.1.2.3/8, ::ffff:192.0.2.1", "CORS_ORIGINS": ` ["https://a.example", "http://localhost:3000"]`})
	if err != nil || c.TrustedProxies.String() != "10.0.0.0/8,192.0.2.1/32" || c.Origins.String() != "https://a.example,http://localhost:3000" {
		t.Errorf("got %s and %s, %v", c.TrustedProxies, c.Origins, err)
	}
}

// Each problem names the variable and what is allowed, and all are told at once.
func TestConfigProblems(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		environ string // NAME=value, separated by spaces
		want    []string
	}{
		"nothing":            {"", nil},
		"not a number":       {"PORT=abc", []string{`PORT: "abc" cannot be read; allowed: a port from 0`}},
		"out of range":       {"PORT=70000", []string{`PORT: "70000" is not allowed`}},
		"unknown words":      {"LOG_LEVEL=loud LOG_FORMAT=xml AUTH_MODE=open", []string{"LOG_LEVEL:", "allowed: debug, info, warn, error", "LOG_FORMAT:", "AUTH_MODE:"}},
		"none for everybody": {"AUTH_MODE=none HOST=0.0.0.0", []string{"AUTH_MODE: none is not allowed with HOST=0.0.0.0"}},
		"none on loopback":   {"AUTH_MODE=none HOST=::1", nil},
		"none by name":       {"AUTH_MODE=none HOST=localhost", nil},
		"other schemes":      {"DATABASE_URL=mysql://h REDIS_URL=http://h CONTENT_STORE_URL=ftp://b", []string{"DATABASE_URL:", "REDIS_URL:", "CONTENT_STORE_URL:"}},
		"a bucket":           {"CONTENT_STORE_URL=s3://b/folder?region=eu-central-1", nil},
		"keys of a bucket":   {"CONTENT_STORE_URL=s3://user:secret@b", []string{"CONTENT_STORE_URL:"}},
		"relative paths":     {"FS_ALLOWED_PATHS=/a:b CACHE_DIR=c", []string{"FS_ALLOWED_PATHS:", "CACHE_DIR:"}},
		"a broker":           {"KAFKA_BOOTSTRAP_SERVERS=a:1,b", []string{`KAFKA_BOOTSTRAP_SERVERS: "b" is not allowed; allowed: host:port`}},
		"SASL without user":  {"KAFKA_SECURITY_PROTOCOL=sasl_ssl", []string{"KAFKA_SASL_USERNAME: is required", "KAFKA_SASL_PASSWORD: is required"}},
		"SASL":               {"KAFKA_SECURITY_PROTOCOL=SASL_SSL KAFKA_SASL_MECHANISM=scram-sha-512 KAFKA_SASL_USERNAME=u KAFKA_SASL_PASSWORD=p", nil},
		"durations":          {"STARTUP_TIMEOUT=5 SHUTDOWN_TIMEOUT=-1s", []string{"STARTUP_TIMEOUT:", "SHUTDOWN_TIMEOUT:"}},
		"limits": {"MAX_LAG=-1 WORKER_CONCURRENCY=0 KAFKA_PARTITIONS=0 KAFKA_REPLICATION_FACTOR=-1",
			[]string{"MAX_LAG:", "WORKER_CONCURRENCY:", "KAFKA_PARTITIONS:", "KAFKA_REPLICATION_FACTOR:"}},
		"nobody trusted":     {"AUTH_MODE=trusted-header", []string{"AUTH_MODE: trusted-header needs SERVICE_TOKEN, TRUSTED_PROXIES or both"}},
		"a gateway by token": {"AUTH_MODE=trusted-header SERVICE_TOKEN=t", nil},
		"a gateway by place": {"AUTH_MODE=trusted-header TRUSTED_PROXIES=10.0.0.0/8,::1", nil},
		"no networks":        {"TRUSTED_PROXIES=10.0.0.0/33 CORS_ORIGINS=example.com", []string{"TRUSTED_PROXIES:", "CORS_ORIGINS:", "allowed: origins such as"}},
		"no origin":          {"CORS_ORIGINS=https://a.example/path", []string{"CORS_ORIGINS:"}},
		"requests":           {"API_RATE_LIMIT=-1 CONNECT_RATE_LIMIT=-1 SYNC_RATE_LIMIT=-1", []string{"API_RATE_LIMIT:", "CONNECT_RATE_LIMIT:", "SYNC_RATE_LIMIT:"}},
		"servers":            {"PUBLIC_BASE_URL=ftp://a.example GITHUB_APP_URL=https://user@git.example.com", []string{"PUBLIC_BASE_URL:", "GITHUB_APP_URL:"}},
		"github.com by name": {"GITHUB_APP_URL=https://API.github.com:443/", []string{"GITHUB_APP_URL:"}},
		"a service":          {"DATA_CONNECTOR_URL=localhost:8000", []string{"DATA_CONNECTOR_URL:"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := loadConfig(mapOf(strings.Fields(tt.environ)))
			if len(tt.want) == 0 && err != nil {
				t.Fatalf("got %v, want no problem", err)
			}
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want it to hold %q", err, want)
				}
			}
		})
	}
}

// A value that could not be read is one problem, not two.
func TestConfigTellsOnce(t *testing.T) {
	t.Parallel()

	_, err := loadConfig(map[string]string{"WORKER_CONCURRENCY": "many"})
	if err == nil || strings.Count(err.Error(), "WORKER_CONCURRENCY") != 1 {
		t.Errorf("got %v, want one problem", err)
	}
}

func TestConfigHidesSecrets(t *testing.T) {
	t.Parallel()

	c, err := loadConfig(map[string]string{
		"DATABASE_URL": "postgres://me:sesame1@host/db?sslpassword=sesame2", "REDIS_URL": "redis://:sesame3@host", "KAFKA_SASL_PASSWORD": "sesame4",
		"DATA_CONNECTOR_API_KEY": "sesame5", "CONTENT_STORE_URL": "file:///content", "SERVICE_TOKEN": "sesame6",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range c.variables() {
		if strings.Contains(v.value, "sesame") {
			t.Errorf("%s shows %q", v.name, v.value)
		}
	}
	if got, want := c.DatabaseURL.String(), "postgres://me:hidden@host/db?..."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err = loadConfig(map[string]string{"DATABASE_URL": "mysql://me:sesame@host", "REDIS_URL": "sesame"})
	if err == nil || strings.Contains(err.Error(), "sesame") {
		t.Errorf("got %v, want the problems without the passwords", err)
	}
}

func TestServeConfig(t *testing.T) {
	t.Parallel()

	const servers = "DATABASE_URL=postgres://h/d REDIS_URL=redis://h KAFKA_BOOTSTRAP_SERVERS=h:1 CONTENT_STORE_URL=file:///c "
	tests := map[string]struct {
		environ  string
		host     string
		auth     string
		problems []string
	}{
		"by default for everybody with a key": {servers, "0.0.0.0", authKeys, nil},
		"without keys on loopback":            {servers + "AUTH_MODE=none", "127.0.0.1", authNone, nil},
		"as told":                             {servers + "HOST=10.0.0.1", "10.0.0.1", authKeys, nil},
		"all that is missing, and wrong": {"PORT=x", "", "",
			[]string{"PORT:", "DATABASE_URL: is required", "REDIS_URL: is required", "KAFKA_BOOTSTRAP_SERVERS: is required", "CONTENT_STORE_URL: is required"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c, err := (&command{environ: mapOf(strings.Fields(tt.environ))}).serveConfig()
			if got := (err != nil); got != (tt.problems != nil) || c.Host != tt.host || c.AuthMode != tt.auth {
				t.Errorf("got %q, %q, %v, want %q, %q", c.Host, c.AuthMode, err, tt.host, tt.auth)
			}
			for _, want := range tt.problems {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want it to hold %q", err, want)
				}
			}
		})
	}
}
