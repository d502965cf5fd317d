package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/confuse/data-connector/adapters/blob"
	"github.com/confuse/data-connector/adapters/telemetry"
	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/domain"
)

// The ways in which callers are known.
const (
	authKeys    = "apikey"
	authTrusted = "trusted-header"
	authNone    = "none"
)

// check tells what is not allowed in c. Variables that already have a problem are
// passed over: their values are not what was asked for.
func (c config) check(known []error) []error {
	k := checks{}
	for _, err := range known {
		if bad := new(domain.InvalidError); errors.As(err, &bad) {
			k.passed = append(k.passed, bad.Field)
		}
	}
	c.checkServer(&k)
	c.checkStores(&k)
	c.checkKafka(&k)
	c.checkLimits(&k)
	c.checkStages(&k)
	c.checkTraces(&k)
	c.checkWebhooks(&k)
	return k.problems
}

// checks collects problems.
type checks struct {
	passed   []string
	problems []error
}

// want adds a problem of the variable name unless ok holds. value is shown: no
// secret may be given.
func (k *checks) want(ok bool, name string, value any) {
	if !ok && !slices.Contains(k.passed, name) {
		k.problems = append(k.problems, problem(name, fmt.Sprintf("%q is not allowed", fmt.Sprint(value))))
	}
}

func (c config) checkServer(k *checks) {
	k.want(0 <= c.Port && c.Port <= 65535, "PORT", c.Port)
	k.want(!strings.ContainsAny(c.Host, " /[]"), "HOST", c.Host)
	k.want(slices.Contains([]string{"", authKeys, authTrusted, authNone}, c.AuthMode), "AUTH_MODE", c.AuthMode)
	k.want(slices.Contains([]string{"auto", "json", "text"}, c.LogFormat), "LOG_FORMAT", c.LogFormat)
	if c.AuthMode == authNone && c.Host != "" && !loopback(c.Host) {
		k.problems = append(k.problems, problem("AUTH_MODE", fmt.Sprintf("none is not allowed with HOST=%s, which others can reach", c.Host)))
	}
	if c.AuthMode == authTrusted && c.ServiceToken == "" && len(c.TrustedProxies) == 0 {
		k.problems = append(k.problems, problem("AUTH_MODE", "trusted-header needs SERVICE_TOKEN, TRUSTED_PROXIES or both: else nobody is trusted"))
	}
	k.want(c.ServiceToken == "" || word(string(c.ServiceToken)), "SERVICE_TOKEN", c.ServiceToken)
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		k.want(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "DATA_CONNECTOR_URL", address(c.URL))
	}
}

// loopback tells whether only this machine can reach host.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (c config) checkStores(k *checks) {
	among := func(a address, schemes ...string) bool { return a == "" || slices.Contains(schemes, a.scheme()) }
	k.want(among(c.DatabaseURL, "postgres", "postgresql"), "DATABASE_URL", c.DatabaseURL)
	k.want(among(c.RedisURL, "redis", "rediss", "unix"), "REDIS_URL", c.RedisURL)
	k.want(c.ContentURL == "" || blob.Check(string(c.ContentURL)) == nil, "CONTENT_STORE_URL", c.ContentURL)
	k.want(filepath.IsAbs(c.CacheDir), "CACHE_DIR", c.CacheDir)
	k.want(word(c.RedisPrefix), "REDIS_PREFIX", c.RedisPrefix)
	for _, id := range c.AcceptFsck {
		k.want(gitrepo.CheckFsck(id) == nil, acceptFsck, id)
	}
}

// contentDir is the folder of the content store; empty when it is a bucket.
func (c config) contentDir() string {
	u, err := url.Parse(string(c.ContentURL))
	if err != nil || u.Scheme != "file" {
		return ""
	}
	return u.Path
}

func (c config) checkKafka(k *checks) {
	for _, server := range c.KafkaServers {
		host, port, err := net.SplitHostPort(server)
		k.want(err == nil && host != "" && port != "", "KAFKA_BOOTSTRAP_SERVERS", server)
	}
	k.want(regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`).MatchString(c.KafkaPrefix), "KAFKA_TOPIC_PREFIX", c.KafkaPrefix)
	k.want(word(c.KafkaGroup), "KAFKA_GROUP_ID", c.KafkaGroup)
	k.want(word(c.KafkaClientID), "KAFKA_CLIENT_ID", c.KafkaClientID)
	k.want(1 <= c.KafkaPartitions && c.KafkaPartitions <= 10_000, "KAFKA_PARTITIONS", c.KafkaPartitions)
	k.want(0 <= c.KafkaReplication && c.KafkaReplication <= 100, "KAFKA_REPLICATION_FACTOR", c.KafkaReplication)
	k.want(slices.Contains([]string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}, c.KafkaSecurity), "KAFKA_SECURITY_PROTOCOL", c.KafkaSecurity)
	k.want(slices.Contains([]string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, c.KafkaMechanism), "KAFKA_SASL_MECHANISM", c.KafkaMechanism)
	if strings.HasPrefix(c.KafkaSecurity, "SASL_") {
		err := c.require("KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD")
		if err != nil {
			k.problems = append(k.problems, fmt.Errorf("with KAFKA_SECURITY_PROTOCOL=%s:\n%w", c.KafkaSecurity, err))
		}
	}
}

func (c config) checkWebhooks(k *checks) {
	k.want(c.WebhookLimit >= 0, "WEBHOOK_RATE_LIMIT", c.WebhookLimit)
	k.want(c.PublicURL.ofServer(), "PUBLIC_BASE_URL", c.PublicURL)
	k.want(c.GitHubAppURL.ofServer() && !c.GitHubAppURL.below("github.com"), "GITHUB_APP_URL", c.GitHubAppURL)
	if c.TrustRelayed && c.AuthMode != authTrusted {
		k.problems = append(k.problems, problem("WEBHOOK_TRUST_GATEWAY", "trusts nobody without AUTH_MODE=trusted-header"))
	}
	k.want(c.VaultKeyset == "" || filepath.IsAbs(c.VaultKeyset), "VAULT_KEYSET_FILE", c.VaultKeyset)
	k.want(c.VaultKMS == "" || slices.Contains([]string{"awskms", "gcpkms", "azurekeyvault", "base64key"}, address(c.VaultKMS).scheme()), "VAULT_KMS_URI", c.VaultKMS)
	if c.VaultKMS != "" && c.VaultKeyset == "" {
		k.problems = append(k.problems, problem("VAULT_KMS_URI", "seals the file VAULT_KEYSET_FILE, which is not set"))
	}
}

func (c config) checkLimits(k *checks) {
	k.want(c.ConnectLimit >= 0, "CONNECT_RATE_LIMIT", c.ConnectLimit)
	k.want(c.SyncLimit >= 0, "SYNC_RATE_LIMIT", c.SyncLimit)
	k.want(c.RequestLimit >= 0, "API_RATE_LIMIT", c.RequestLimit)
	k.want(c.MaxLag >= 0, "MAX_LAG", c.MaxLag)
	k.want(c.PollInterval >= time.Second && c.PollInterval <= 8*time.Hour, "POLL_INTERVAL", c.PollInterval)
	k.want(c.FullSyncHours >= 0 && c.FullSyncHours <= 87600, "FULL_SYNC_INTERVAL_HOURS", c.FullSyncHours)
	k.want(1 <= c.Concurrency && c.Concurrency <= 1000, "WORKER_CONCURRENCY", c.Concurrency)
	k.want(1 <= c.Downloads && c.Downloads <= 1000, "MAX_CONCURRENT_DOWNLOADS", c.Downloads)
	k.want(c.PerProvider >= 0, "MAX_JOBS_PER_PROVIDER", c.PerProvider)
	k.want(c.PerOwner >= 0, "MAX_JOBS_PER_OWNER", c.PerOwner)
	k.want(c.GitHubPerHour >= 0, "GITHUB_RATE_LIMIT_PER_HOUR", c.GitHubPerHour)
	k.want(c.GitLabPerHour >= 0, "GITLAB_RATE_LIMIT_PER_HOUR", c.GitLabPerHour)
	k.want(c.BitbucketPerHour >= 0, "BITBUCKET_RATE_LIMIT_PER_HOUR", c.BitbucketPerHour)
	k.want(c.WorkerName == "" || word(c.WorkerName), "WORKER_NAME", c.WorkerName)
	k.want(1 <= c.ProjectorWorkers && c.ProjectorWorkers <= 100, "PROJECTOR_CONCURRENCY", c.ProjectorWorkers)
	k.want(c.StartupTimeout > 0, "STARTUP_TIMEOUT", c.StartupTimeout)
	k.want(c.ContentHistory == 0 || c.ContentHistory >= time.Hour, "CONTENT_HISTORY", c.ContentHistory)
	k.want(c.ShutdownTimeout > 0, "SHUTDOWN_TIMEOUT", c.ShutdownTimeout)
}

func (c config) checkTraces(k *checks) {
	k.want(slices.Contains([]string{"", exportOTLP, exportNone}, c.TracesExporter), "OTEL_TRACES_EXPORTER", c.TracesExporter)
	protocols := []string{"", string(telemetry.HTTP), string(telemetry.GRPC)}
	k.want(slices.Contains(protocols, c.OTLPProtocol), "OTEL_EXPORTER_OTLP_PROTOCOL", c.OTLPProtocol)
	k.want(slices.Contains(protocols, c.OTLPTracesProtocol), "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", c.OTLPTracesProtocol)
	for name, at := range map[string]address{"OTEL_EXPORTER_OTLP_ENDPOINT": c.OTLPEndpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.OTLPTracesEndpoint} {
		k.want(at == "" || slices.Contains([]string{"http", "https"}, at.scheme()), name, at)
	}
}

// word tells whether s is text without spaces.
func word(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}
