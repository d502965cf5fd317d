package main

import (
	"log/slog"
	"time"
)

// A config is what the operator decides: one field for each variable of the
// environment. Tag env is the name, envDefault what counts when it is unset or
// empty, allowed and help are for error messages and docs/configuration.md, which
// a test compares with them.
type config struct {
	Host      string     `env:"HOST" allowed:"a host name or an IP address" help:"Address to listen on. Unset: 0.0.0.0, and 127.0.0.1 for standalone and for AUTH_MODE=none."`
	Port      int        `env:"PORT" envDefault:"8000" allowed:"a port from 0 (any free one) to 65535" help:"Port of the API, and of health and metrics where the role api does not run."`
	AuthMode  string     `env:"AUTH_MODE" allowed:"apikey, trusted-header, or none on a loopback HOST" help:"How callers are known, see below. Unset: apikey; none for standalone."`
	LogLevel  slog.Level `env:"LOG_LEVEL" envDefault:"info" allowed:"debug, info, warn, error" help:"What is logged to stderr."`
	LogFormat string     `env:"LOG_FORMAT" envDefault:"auto" allowed:"auto, json, text" help:"auto: text on a terminal, else JSON."`

	ServiceToken   secret   `env:"SERVICE_TOKEN" allowed:"text without spaces" help:"For AUTH_MODE=trusted-header: what the gateway shows in X-Service-Token."`
	TrustedProxies networks `env:"TRUSTED_PROXIES" allowed:"networks such as 10.0.0.0/8, or IP addresses, separated by commas" help:"For AUTH_MODE=trusted-header: where gateways are that need no token."`
	Origins        origins  `env:"CORS_ORIGINS" allowed:"origins such as https://app.example.com, separated by commas or as a JSON array, or *" help:"Pages in browsers that may call. Unset: none."`
	ConnectLimit   int      `env:"CONNECT_RATE_LIMIT" envDefault:"10" allowed:"a number from 0 (no limit)" help:"Sources that one key or owner may connect in an hour."`
	SyncLimit      int      `env:"SYNC_RATE_LIMIT" envDefault:"5" allowed:"a number from 0 (no limit)" help:"Syncs that one key or owner may order in 15 minutes."`
	RequestLimit   int      `env:"API_RATE_LIMIT" envDefault:"100" allowed:"a number from 0 (no limit)" help:"Other requests that one key or owner may send in a minute."`

	PublicURL       address `env:"PUBLIC_BASE_URL" allowed:"https://host, with a path if there is one; http:// for tests" help:"Where providers reach this service. Webhooks are registered there by themselves. Unset: none are, and sources are polled."`
	GitHubSecrets   secrets `env:"GITHUB_WEBHOOK_SECRET" allowed:"one secret, or two separated by a comma while one replaces the other" help:"Of deliveries to /webhooks/github, as a GitHub App or an organization signs them. Unset: they are refused."`
	GitLabTokens    secrets `env:"GITLAB_WEBHOOK_TOKEN" allowed:"one secret, or two separated by a comma while one replaces the other" help:"Of deliveries to /webhooks/gitlab: a secret token, or a signing token (whsec_...). Unset: they are refused."`
	BitbucketSecret secrets `env:"BITBUCKET_WEBHOOK_SECRET" allowed:"one secret, or two separated by a comma while one replaces the other" help:"Of deliveries to /webhooks/bitbucket. Unset: they are refused."`
	WebhookLimit    int     `env:"WEBHOOK_RATE_LIMIT" envDefault:"1000" allowed:"a number from 0 (no limit)" help:"Deliveries that one peer may send to one address in a minute."`
	TrustRelayed    bool    `env:"WEBHOOK_TRUST_GATEWAY" envDefault:"false" allowed:"true, false" help:"With AUTH_MODE=trusted-header: take deliveries that the gateway has re-encoded, so that their signature no longer fits. Only where nobody else reaches this service through TRUSTED_PROXIES."`

	VaultKeyset string `env:"VAULT_KEYSET_FILE" allowed:"an absolute path" help:"File with the keys that seal credentials and webhook secrets, see below. Unset: none can be kept; keyset.json in the data folder for standalone."`
	VaultKMS    secret `env:"VAULT_KMS_URI" allowed:"awskms://, gcpkms://, azurekeyvault://, base64key://" help:"Key of a key management service that seals that file. Unset: the file lies open."`

	DatabaseURL address `env:"DATABASE_URL" allowed:"postgres://user:password@host:port/database" help:"The PostgreSQL database. Pool options such as pool_max_conns go into its query."`
	RedisURL    address `env:"REDIS_URL" allowed:"redis://, rediss:// or unix://" help:"Redis, for the queue of jobs. It may be lost."`
	RedisPrefix string  `env:"REDIS_PREFIX" envDefault:"dataconnector:" allowed:"text without spaces" help:"Beginning of all keys in Redis."`

	KafkaServers     []string `env:"KAFKA_BOOTSTRAP_SERVERS" allowed:"host:port, several separated by commas" help:"Brokers of the Kafka cluster that holds the log."`
	KafkaPrefix      string   `env:"KAFKA_TOPIC_PREFIX" envDefault:"dataconnector" allowed:"letters, digits, dots, dashes, underscores" help:"Beginning of all topic names."`
	KafkaGroup       string   `env:"KAFKA_GROUP_ID" allowed:"text without spaces" help:"Consumer group of the projector. Unset: the topic prefix with -projector behind it."`
	KafkaClientID    string   `env:"KAFKA_CLIENT_ID" envDefault:"data-connector" allowed:"text without spaces" help:"Name of this client in the brokers' logs."`
	KafkaPartitions  int32    `env:"KAFKA_PARTITIONS" envDefault:"12" allowed:"a number from 1 to 10000" help:"Partitions of topics that are made; those that exist keep theirs."`
	KafkaReplication int16    `env:"KAFKA_REPLICATION_FACTOR" envDefault:"0" allowed:"a number from 0 (the broker's default) to 100" help:"Copies of each partition of topics that are made."`
	KafkaSecurity    string   `env:"KAFKA_SECURITY_PROTOCOL" envDefault:"PLAINTEXT" allowed:"PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL" help:"How the brokers are spoken to."`
	KafkaCAFile      string   `env:"KAFKA_SSL_CA_FILE" allowed:"a file with PEM certificates" help:"Authorities that may sign the brokers' certificates. Unset: those of the system."`
	KafkaMechanism   string   `env:"KAFKA_SASL_MECHANISM" envDefault:"PLAIN" allowed:"PLAIN, SCRAM-SHA-256, SCRAM-SHA-512" help:"How the user is shown, where the protocol is one of the SASL_ ones."`
	KafkaUser        string   `env:"KAFKA_SASL_USERNAME" help:"User on the brokers."`
	KafkaPassword    secret   `env:"KAFKA_SASL_PASSWORD" help:"Its password."`

	ContentURL address `env:"CONTENT_STORE_URL" allowed:"file:///absolute/path, s3://bucket/folder, gs://bucket/folder, azblob://container/folder" help:"Where the content of files is kept, see below. All processes see the same folder or bucket. Back it up with the log."`
	// 0: for ever.
	ContentHistory time.Duration `env:"CONTENT_HISTORY" envDefault:"0s" allowed:"a duration from 1h, such as 720h, or 0 (for ever)" help:"How long the content of older revisions is kept after its pack holds no file's present content. What is gone cannot be replayed."`
	CacheDir       string        `env:"CACHE_DIR" allowed:"an absolute path" help:"Folder for what may be lost: connector caches and spools. Unset: data-connector in the user's cache folder."`

	AllowedPaths paths `env:"FS_ALLOWED_PATHS" allowed:"absolute paths, separated by colons or commas" help:"Folders below which local folders may be connected. Unset: none."`

	PrivateNetworks networks `env:"PRIVATE_NETWORKS" allowed:"networks such as 10.0.0.0/8, or IP addresses, separated by commas" help:"Networks in which self-hosted servers of providers may be, on any port and by plain HTTP too. Unset: only public addresses are spoken to."`

	AcceptFsck []string `env:"GIT_ACCEPT_FSCK" allowed:"ids as git fsck says them, such as gitmodulesUrl, separated by commas; not nulInHeader, unterminatedHeader" help:"Faults of repositories that are let pass, besides odd dates, names and modes, which always are. A job that fails for another one names its id. Each lets a kind of object in that git holds for dangerous."`

	GitHubAppID   string  `env:"GITHUB_APP_ID" allowed:"the id of a GitHub App" help:"Your GitHub App, for sources that name an installationId. Whoever may connect sources can read what it is installed on."`
	GitHubAppURL  address `env:"GITHUB_APP_URL" allowed:"https://host, but not github.com: that is when it is unset" help:"The Enterprise Server that has your GitHub App, as sources name it in baseUrl. Unset: github.com. Sources at other servers are refused it."`
	GitHubKey     secret  `env:"GITHUB_PRIVATE_KEY" allowed:"PEM" help:"Its private key."`
	GitHubKeyPath string  `env:"GITHUB_PRIVATE_KEY_PATH" allowed:"a file with PEM" help:"File with its private key, instead."`
	GitHubPerHour int     `env:"GITHUB_RATE_LIMIT_PER_HOUR" envDefault:"0" allowed:"a number from 0 (no limit but GitHub's own)" help:"Calls of the API that one credential may make in an hour, over all processes."`
	GitLabPerHour int     `env:"GITLAB_RATE_LIMIT_PER_HOUR" envDefault:"0" allowed:"a number from 0 (no limit but GitLab's own)" help:"Calls of the API that one credential may make in an hour, over all processes."`
	// Cloud allows 1,000 and does not say how many are left.
	BitbucketPerHour int `env:"BITBUCKET_RATE_LIMIT_PER_HOUR" envDefault:"1000" allowed:"a number from 0 (no limit but Bitbucket's own)" help:"Calls of the API of Bitbucket Cloud that one credential may make in an hour, over all processes. Bitbucket does not say how many are left, so they are counted; paid plans allow more than 1000."`

	FilesState      bool          `env:"FILES_STATE" envDefault:"false" allowed:"true, false" help:"Keep the last state of each file on the compacted topic <prefix>.files.state.v1, for readers that begin. Not for standalone, whose log cannot compact."`
	FilesStateCheck time.Duration `env:"FILES_STATE_CHECK" envDefault:"1h" allowed:"a duration from 1s" help:"How often a dispatcher compares that topic with the tables and mends it."`

	PollInterval     time.Duration `env:"POLL_INTERVAL" envDefault:"45s" allowed:"a duration from 1s to 8h" help:"Shortest time between two looks at a source by itself; one that is quiet is looked at less often, up to every 8 hours. A lost webhook costs no more."`
	FullSyncHours    int           `env:"FULL_SYNC_INTERVAL_HOURS" envDefault:"24" allowed:"a number from 0 (never) to 87600" help:"Hours after which a source whose provider tells its changes is compared as a whole, for what no provider tells: issues that were deleted or transferred."`
	MaxLag           int64         `env:"MAX_LAG" envDefault:"100000" allowed:"a number from 0 (no limit)" help:"Events that the tables may be behind the log before commands are answered with 503."`
	Concurrency      int           `env:"WORKER_CONCURRENCY" envDefault:"2" allowed:"a number from 1 to 1000" help:"Jobs that a syncer runs at once."`
	Downloads        int           `env:"MAX_CONCURRENT_DOWNLOADS" envDefault:"10" allowed:"a number from 1 to 1000" help:"Items that one job reads at once."`
	PerProvider      int           `env:"MAX_JOBS_PER_PROVIDER" envDefault:"0" allowed:"a number from 0 (no limit)" help:"Jobs of one provider that run at once, over all syncers."`
	PerOwner         int           `env:"MAX_JOBS_PER_OWNER" envDefault:"0" allowed:"a number from 0 (no limit)" help:"Jobs of one owner that run at once, over all syncers."`
	WorkerName       string        `env:"WORKER_NAME" allowed:"text without spaces" help:"Name of this process, which no other one of the service has at the same time and it has again after a restart: it gets its partitions and jobs back at once, also after a crash. Unset: after a crash others wait up to 10 s for them."`
	ProjectorWorkers int           `env:"PROJECTOR_CONCURRENCY" envDefault:"2" allowed:"a number from 1 to 100" help:"Partitions that a projector folds at once."`

	TracesExporter     string  `env:"OTEL_TRACES_EXPORTER" allowed:"otlp, none" help:"Where traces go. Unset: to OTEL_EXPORTER_OTLP_ENDPOINT if that is set, else nowhere."`
	OTLPEndpoint       address `env:"OTEL_EXPORTER_OTLP_ENDPOINT" allowed:"http:// or https://" help:"The OpenTelemetry collector, such as http://localhost:4318."`
	OTLPTracesEndpoint address `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" allowed:"http:// or https://" help:"The same for traces alone, with the whole path."`
	OTLPProtocol       string  `env:"OTEL_EXPORTER_OTLP_PROTOCOL" envDefault:"http/protobuf" allowed:"http/protobuf, grpc" help:"How the collector is spoken to."`
	OTLPTracesProtocol string  `env:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL" allowed:"http/protobuf, grpc" help:"The same for traces alone."`
	SDKDisabled        bool    `env:"OTEL_SDK_DISABLED" envDefault:"false" allowed:"true, false" help:"No traces whatever the others say."`

	Stages          []string      `env:"STAGES" allowed:"names of stages, separated by commas, or none" help:"Stages of the pipeline that a dispatcher runs. Unset: all whose address is set."`
	DispatchLanes   int           `env:"DISPATCH_LANES" envDefault:"64" allowed:"a number from 1 to 10000" help:"Changes that one stage asks its neighbour for at once; those of one file never are."`
	DispatchWindow  int           `env:"DISPATCH_WINDOW" envDefault:"10000" allowed:"a number from 1 to 1000000" help:"Changes of one partition that a stage reads ahead, in hand or done out of order: what a crash repeats at most."`
	DispatchTimeout time.Duration `env:"DISPATCH_TIMEOUT" envDefault:"1m" allowed:"a duration such as 30s or 2m" help:"How long a neighbour may take to answer."`
	DispatchBackoff time.Duration `env:"DISPATCH_BACKOFF" envDefault:"500ms" allowed:"a duration such as 500ms or 2s" help:"Wait before a neighbour in trouble is asked again; it doubles with each try."`
	DispatchMaxWait time.Duration `env:"DISPATCH_MAX_BACKOFF" envDefault:"30s" allowed:"a duration from DISPATCH_BACKOFF, such as 30s or 2m" help:"Its limit."`
	BreakerFailures uint32        `env:"DISPATCH_BREAKER_FAILURES" envDefault:"5" allowed:"a number from 1" help:"Tries in a row that fail until a stage stops asking and only probes."`
	BreakerOpen     time.Duration `env:"DISPATCH_BREAKER_OPEN" envDefault:"10s" allowed:"a duration such as 10s or 1m" help:"Time between two probes."`
	NormalizeURL    address       `env:"CODE_NORMALIZE_FETCH_URL" allowed:"http:// or https://" help:"code-normalize-fetch, which is asked for each text. Unset: text is made here."`
	ChunkerURL      address       `env:"CHUNKER_URL" allowed:"http:// or https://" help:"The chunker, for the stage chunk."`
	GraphURL        address       `env:"RELATION_GRAPH_URL" allowed:"http:// or https://" help:"relation-graph, for the stages graph and embed."`
	EmbeddingsURL   address       `env:"EMBEDDINGS_URL" allowed:"http:// or https://" help:"embeddings, for the stage embed. It needs EMBED_LISTEN and RELATION_GRAPH_URL too."`
	EmbedListen     string        `env:"EMBED_LISTEN" allowed:"host:port" help:"Address at which the stage embed receives what the chunker pushes on. Nobody is asked who he is there: let only the chunker reach it."`
	WebhookURL      address       `env:"WEBHOOK_STAGE_URL" allowed:"http:// or https://" help:"Receiver of the stage webhook: each change is posted there."`
	WebhookSecret   secret        `env:"WEBHOOK_STAGE_SECRET" allowed:"whsec_ and the base64 of 24 to 64 bytes" help:"What its requests are signed with, as Standard Webhooks have it."`

	StartupTimeout  time.Duration `env:"STARTUP_TIMEOUT" envDefault:"1m" allowed:"a duration such as 30s or 2m" help:"How long a start waits for Kafka, PostgreSQL, Redis and the bucket of the content store. With the role api and tables that were filled before, Kafka is waited for without end."`
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"30s" allowed:"a duration such as 30s or 2m" help:"How long a stop waits for what runs."`

	URL    string `env:"DATA_CONNECTOR_URL" allowed:"http:// or https://" help:"For the verbs that ask a running service: where it is. Unset: the one that runs on the data folder."`
	APIKey secret `env:"DATA_CONNECTOR_API_KEY" help:"For the same verbs: the API key."`
}
