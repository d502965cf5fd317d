package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/redis"
)

// lookTime is what looking at one server may take.
const lookTime = 10 * time.Second

func failed(what, format string, args ...any) []finding {
	return []finding{{levelFail, what, fmt.Sprintf(format, args...)}}
}

func (c *command) lookAtKafka(ctx context.Context, cfg config) []finding {
	if len(cfg.KafkaServers) == 0 {
		return failed("kafka", "set KAFKA_BOOTSTRAP_SERVERS")
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	quiet := cfg
	quiet.LogLevel = 100 // what is wrong is told here
	o, err := cfg.kafkaOptions(quiet.newLogger(c.err))
	if err != nil {
		return failed("kafka", "%v", err)
	}
	wrong, err := kafka.Check(ctx, o)
	if err != nil {
		return failed("kafka", "%v; look whether KAFKA_BOOTSTRAP_SERVERS=%s is right and the brokers run", err, shown(cfg.KafkaServers))
	}
	found := []finding{{levelOK, "kafka answers at " + shown(cfg.KafkaServers), ""}}
	for _, e := range wrong {
		level := levelFail
		if e.Advice {
			level = levelWarn
		}
		found = append(found, finding{level, fmt.Sprintf("topic %s: %s is %s, want %s", e.Topic, e.Setting, e.Found, e.Wanted), e.Remedy})
	}
	if len(wrong) == 0 {
		found = append(found, finding{levelOK, "topics " + o.Layout.Events() + " and so on are as they should be", ""})
	}
	return found
}

func lookAtPostgres(ctx context.Context, cfg config) []finding {
	if cfg.DatabaseURL == "" {
		return failed("postgres", "set DATABASE_URL")
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	db, err := postgres.Open(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return failed("postgres", "%v; look whether DATABASE_URL is right and the server runs", err)
	}
	defer db.Close()
	var version string
	if err := db.QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		return failed("postgres", "%v", err)
	}
	found := []finding{{levelOK, "postgres " + version + " answers", ""}}
	return append(found, schemaVersion(ctx, db)...)
}

func schemaVersion(ctx context.Context, db *pgxpool.Pool) []finding {
	have, want, err := postgres.Version(ctx, db)
	switch {
	case err != nil:
		return failed("schema app", "%v", err)
	case have < want:
		return []finding{{levelWarn, fmt.Sprintf("schema app has version %d, this binary wants %d", have, want), "serve migrates it, or run: data-connector migrate"}}
	case have > want:
		return failed("schema app", "version %d is newer than this binary, which knows %d: use a newer binary", have, want)
	}
	return []finding{{levelOK, fmt.Sprintf("schema app has version %d", have), ""}}
}

func lookAtRedis(ctx context.Context, cfg config) []finding {
	if cfg.RedisURL == "" {
		return failed("redis", "set REDIS_URL")
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	client, err := redis.Open(ctx, string(cfg.RedisURL))
	if err != nil {
		return failed("redis", "%v; look whether REDIS_URL is right and the server runs", err)
	}
	defer func() { _ = client.Close() }() // only read from
	advice, err := client.Check(ctx)
	if err != nil {
		return failed("redis", "%v", err)
	}
	found := []finding{{levelOK, "redis answers", ""}}
	for _, sentence := range advice {
		found = append(found, finding{levelWarn, "redis", sentence})
	}
	return found
}
