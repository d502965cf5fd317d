package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// checkCanaries looks for secrets in whatever a forge's service has written: its
// logs, answers and metrics, all topics, Redis, the database and the folders.
func (f *forge) checkCanaries(when string, logs string, secrets ...string) {
	f.t.Helper()
	var metrics string
	fetch(f.t, f.server.URL+"/metrics", &metrics)
	places := map[string][]byte{
		"a log line": []byte(logs), "an answer": f.said.Bytes(), "the metrics": []byte(metrics),
		"a topic": f.topics(), "Redis": f.redisText(), "the database": f.tablesText(), "a folder": f.folders(),
	}
	for place, text := range places {
		if seen := len(text) > 0 || place == "a folder" && when == "removed"; !seen || place == "a topic" && !bytes.Contains(text, []byte("hello")) {
			f.t.Errorf("%s: %s was not looked at", when, place)
		}
		for i, s := range secrets {
			for _, form := range formsOf(s) {
				if at := bytes.Index(text, []byte(form)); at >= 0 {
					f.t.Errorf("%s: secret %d stands in %s: ...%q", when, i, place, text[max(0, at-200):at])
				}
			}
		}
	}
}

// formsOf are a secret and what it looks like in hexadecimal, in JSON, and in base64
// wherever it begins there, as behind the user of "user:token".
func formsOf(secret string) []string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		panic(err) // a string has a form in JSON
	}
	forms := slices.Compact([]string{secret, strings.Trim(string(quoted), `"`), hex.EncodeToString([]byte(secret))})
	for before := range 3 {
		whole := (before + len(secret)) / 3 * 3 // the last group holds what follows the secret
		text := append(make([]byte, before), secret...)[:whole]
		if before > 0 {
			text = text[3:] // the first one holds what is before it
		}
		forms = append(forms, base64.StdEncoding.EncodeToString(text), base64.URLEncoding.EncodeToString(text))
	}
	return forms
}

// topics are all records of all topics of the service, with keys and headers.
func (f *forge) topics() []byte {
	f.t.Helper()
	environ := mapOf(f.env)
	brokers := kgo.SeedBrokers(strings.Split(environ["KAFKA_BOOTSTRAP_SERVERS"], ",")...)
	admin, err := kadm.NewOptClient(brokers)
	if err != nil {
		f.t.Fatal(err)
	}
	defer admin.Close()
	all, err := admin.ListTopics(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	var names []string
	for _, name := range all.Names() {
		if strings.HasPrefix(name, environ["KAFKA_TOPIC_PREFIX"]+".") {
			names = append(names, name)
		}
	}
	ends, err := admin.ListEndOffsets(f.t.Context(), names...)
	if err != nil {
		f.t.Fatal(err)
	}
	var left int64
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	reader, err := kgo.NewClient(brokers, kgo.ConsumeTopics(names...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		f.t.Fatal(err)
	}
	defer reader.Close()
	var text bytes.Buffer
	for left > 0 {
		fetches := reader.PollFetches(f.t.Context())
		if err := errors.Join(fetches.Err(), f.t.Context().Err()); err != nil {
			f.t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			left--
			_, _ = fmt.Fprintf(&text, "\n%s: %s\n%s", r.Topic, r.Key, r.Value) // a buffer never fails
			for _, h := range r.Headers {
				_, _ = text.WriteString("\n" + h.Key + "=" + string(h.Value))
			}
		})
	}
	return text.Bytes()
}

// redisText is every key of the service in Redis with all that it holds: a dump of it
// would be compressed.
func (f *forge) redisText() []byte {
	f.t.Helper()
	opt, err := goredis.ParseURL(mapOf(f.env)["REDIS_URL"])
	if err != nil {
		f.t.Fatal(err)
	}
	c := goredis.NewClient(opt)
	defer func() { _ = c.Close() }() // nothing was written
	var text bytes.Buffer
	keys := c.Scan(f.t.Context(), 0, mapOf(f.env)["REDIS_PREFIX"]+"*", 1000).Iterator()
	for keys.Next(f.t.Context()) {
		value, err := redisValue(f.t.Context(), c, keys.Val())
		if err != nil {
			f.t.Fatalf("%s: %v", keys.Val(), err)
		}
		_, _ = fmt.Fprintf(&text, "%s\n%v\n", keys.Val(), value) // a buffer never fails
	}
	if err := keys.Err(); err != nil {
		f.t.Fatal(err)
	}
	return text.Bytes()
}

// redisValue is what a key holds; nothing, once it has expired.
func redisValue(ctx context.Context, c *goredis.Client, key string) (any, error) {
	kind, err := c.Type(ctx, key).Result()
	if err != nil {
		return nil, err
	}
	switch kind {
	case "none":
		return nil, nil
	case "string":
		value, err := c.Get(ctx, key).Result()
		if errors.Is(err, goredis.Nil) {
			return nil, nil
		}
		return value, err
	case "hash":
		return c.HGetAll(ctx, key).Result()
	case "set":
		return c.SMembers(ctx, key).Result()
	case "zset":
		return c.ZRange(ctx, key, 0, -1).Result()
	case "list":
		return c.LRange(ctx, key, 0, -1).Result()
	case "stream":
		return c.XRange(ctx, key, "-", "+").Result()
	}
	return nil, fmt.Errorf("what is a %q?", kind)
}

// tablesText is every row of every table of the service.
func (f *forge) tablesText() []byte {
	f.t.Helper()
	if f.db == nil {
		f.db = database(f.t, f.env)
	}
	found, err := f.db.Query(f.t.Context(), `SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
		WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'`)
	if err != nil {
		f.t.Fatal(err)
	}
	names, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		f.t.Fatal(err)
	}
	var text bytes.Buffer
	for _, name := range names {
		found, err := f.db.Query(f.t.Context(), "SELECT t::text FROM "+name+" t")
		if err != nil {
			f.t.Fatal(err)
		}
		rows, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			f.t.Fatal(err)
		}
		_, _ = text.WriteString(name + "\n" + strings.Join(rows, "\n") + "\n") // a buffer never fails
	}
	return text.Bytes()
}

// folders is what lies in the folders of the service, but its keys.
func (f *forge) folders() []byte {
	f.t.Helper()
	var text bytes.Buffer
	err := filepath.WalkDir(filepath.Dir(mapOf(f.env)["CACHE_DIR"]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		_, _ = text.WriteString(path + "\n") // a buffer never fails
		_, _ = text.Write(b)
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return text.Bytes()
}

// get reads a path and remembers the answer.
func (f *forge) get(path string) {
	f.t.Helper()
	resp := request(f.t, http.MethodGet, f.server.URL+path, nil)
	defer func() { _ = resp.Body.Close() }() // read to its end
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	f.said.Write(body)
}

// The search finds a secret wherever it begins in a text in base64.
func TestFormsOf(t *testing.T) {
	t.Parallel()

	for n := range 7 {
		secret := forgeToken[:len(forgeToken)-n]
		for _, before := range []string{"", "u", "u:", "us:", "x-access-token:"} {
			for _, coding := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
				text := coding.EncodeToString([]byte(before + secret + "\n"))
				if !slices.ContainsFunc(formsOf(secret), func(form string) bool { return strings.Contains(text, form) }) {
					t.Errorf("behind %q: %d bytes are not found in %s", before, len(secret), text)
				}
			}
		}
	}
}
