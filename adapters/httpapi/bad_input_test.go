package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
)

// A badInput is a request that must be refused without anything being done.
type badInput struct {
	method, path, body string
	header             []string
	status             int    // 0: 400
	code               string // "": VALIDATION_ERROR
	field              string // named in the details
	allowed            string // contained in what is allowed
}

func badBodies() map[string]badInput {
	post := func(body, field, allowed string) badInput {
		return badInput{method: "POST", path: "/sources", body: body, field: field, allowed: allowed}
	}
	order := func(body, field, allowed string) badInput {
		return badInput{method: "POST", path: "/replays", body: body, field: field, allowed: allowed}
	}
	patch := func(body, field, allowed string) badInput {
		return badInput{method: "PATCH", path: "/sources/" + annSource.String(), body: body, field: field, allowed: allowed}
	}
	return map[string]badInput{
		"truncated":                 post(`{"type":"localfs","config":{"rootP`, "body", "JSON object"),
		"not JSON":                  post(`type=localfs`, "body", "JSON object"),
		"array":                     post(`[]`, "body", "JSON object"),
		"null":                      post(`null`, "body", "JSON object"),
		"a number":                  post(`42`, "body", "JSON object"),
		"only space":                post("  \n", "body", "JSON object"),
		"empty":                     post(``, "body", "type"),
		"trailing object":           post(`{"type":"localfs","config":{}}{}`, "body", "one JSON object"),
		"trailing garbage":          post(`{"type":"localfs","config":{}} x`, "body", "one JSON object"),
		"missing comma":             post(`{"type":"localfs" "config":{}}`, "body", "JSON object"),
		"unknown field":             post(`{"type":"localfs","config":{},"owner":"bob"}`, "owner", "accessToken, access_token, appId, config, installationId, name, privateKey, type, username"),
		"field in another case":     post(`{"Type":"localfs","config":{}}`, "Type", "type"),
		"field twice":               post(`{"type":"localfs","type":"github","config":{}}`, "type", "one value"),
		"field twice, other case":   post(`{"type":"localfs","TYPE":"github","config":{}}`, "TYPE", "one value"),
		"option twice":              post(`{"type":"localfs","config":{"rootPath":"/a","rootPath":"/b"}}`, "config.rootPath", "one value"),
		"no type":                   post(`{"config":{}}`, "type", "connector"),
		"no config":                 post(`{"type":"localfs"}`, "config", "Options"),
		"type is a number":          post(`{"type":7,"config":{}}`, "type", "text"),
		"type is null":              post(`{"type":null,"config":{}}`, "type", "text"),
		"type is empty":             post(`{"type":"","config":{}}`, "type", "text"),
		"type is long":              post(`{"type":"`+strings.Repeat("x", 65)+`","config":{}}`, "type", "at most 64"),
		"config is a string":        post(`{"type":"localfs","config":"rootPath"}`, "config", "object"),
		"config is null":            post(`{"type":"localfs","config":null}`, "config", "object"),
		"config is an array":        post(`{"type":"localfs","config":[1]}`, "config", "object"),
		"name is an object":         post(`{"type":"localfs","config":{},"name":{}}`, "name", "text"),
		"name is long":              post(`{"type":"localfs","config":{},"name":"`+strings.Repeat("x", 201)+`"}`, "name", "at most 200"),
		"config.name is a number":   post(`{"type":"localfs","config":{"name":1}}`, "config.name", "text"),
		"config.name is null":       post(`{"type":"localfs","config":{"name":null}}`, "config.name", "text"),
		"two names":                 post(`{"type":"localfs","config":{"name":"a"},"name":"b"}`, "config.name", "one of the two"),
		"NUL in a value":            post(`{"type":"localfs","config":{"rootPath":"/srv\u0000/x"}}`, "config.rootPath", "without NUL"),
		"NUL in an element":         post(`{"type":"localfs","config":{"includePaths":["ok","\u0000"]}}`, "config.includePaths[1]", "without NUL"),
		"NUL in a name":             post(`{"type":"localfs","config":{"a\u0000b":1}}`, "name of config.a\uFFFDb", "without NUL"),
		"raw NUL":                   post("{\"type\":\"local\x00fs\",\"config\":{}}", "body", "JSON object"),
		"not UTF-8":                 post("{\"type\":\"local\xfffs\",\"config\":{}}", "body", "UTF-8"),
		"deep":                      post(`{"type":"localfs","config":{"a":`+strings.Repeat("[", 10_000)+`}}`, "config.a"+strings.Repeat("[0]", 30), "levels"),
		"two credentials":           post(`{"type":"localfs","config":{},"accessToken":"secret","access_token":"other"}`, "access_token", "one of the two, or the same"),
		"name without a token":      post(`{"type":"localfs","config":{},"username":"ann"}`, "accessToken", "the token or password of username"),
		"token with a line break":   post(`{"type":"localfs","config":{},"accessToken":"a\nb"}`, "accessToken", "the token as the provider shows it"),
		"app without its key":       post(`{"type":"localfs","config":{},"appId":"1"}`, "privateKey", "the private key of the app, as PEM"),
		"key without its app":       post(`{"type":"localfs","config":{},"privateKey":"x","installationId":"1"}`, "appId", "the number that the provider shows"),
		"key and token":             post(`{"type":"localfs","config":{},"privateKey":"x","accessToken":"y"}`, "privateKey", "one of the two"),
		"no credential at all":      {method: "POST", path: "/sources/" + annSource.String() + "/credential", body: `{}`, field: "accessToken", allowed: "a credential that may read the source"},
		"huge":                      {method: "POST", path: "/sources", body: `{"type":"localfs","config":{"a":"` + strings.Repeat("x", 1<<20) + `"}}`, status: 413, code: "PAYLOAD_TOO_LARGE", field: "body", allowed: "1048576"},
		"no content type":           {method: "POST", path: "/sources", body: `{"type":"localfs","config":{}}`, header: []string{"Content-Type", ""}, status: 415, code: "UNSUPPORTED_MEDIA_TYPE", field: "Content-Type", allowed: "application/json"},
		"a form":                    {method: "POST", path: "/sources", body: `{"type":"localfs","config":{}}`, header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, code: "UNSUPPORTED_MEDIA_TYPE", field: "Content-Type", allowed: "application/json"},
		"JSON of another kind":      {method: "POST", path: "/sources", body: `{"type":"localfs","config":{}}`, header: []string{"Content-Type", "text/plain+json"}, status: 415, code: "UNSUPPORTED_MEDIA_TYPE", field: "Content-Type", allowed: "application/json"},
		"JSON in UTF-16":            {method: "POST", path: "/sources", body: `{"type":"localfs","config":{}}`, header: []string{"Content-Type", "application/json; charset=utf-16"}, status: 415, code: "UNSUPPORTED_MEDIA_TYPE", field: "Content-Type", allowed: "UTF-8"},
		"update: nothing":           patch(`{}`, "body", "name, config"),
		"update: no body":           patch(``, "body", "config, name"),
		"update: name is null":      patch(`{"name":null}`, "body", "name, config"),
		"update: name is empty":     patch(`{"name":""}`, "name", "text"),
		"update: name is long":      patch(`{"name":"`+strings.Repeat("x", 201)+`"}`, "name", "at most 200"),
		"update: config is null":    patch(`{"config":null}`, "body", "name, config"),
		"update: two names":         patch(`{"name":"a","config":{"name":"b"}}`, "config.name", "one of the two"),
		"update: empty config.name": patch(`{"config":{"name":7}}`, "config.name", "text"),
		"update: the connector":     patch(`{"type":"github"}`, "type", "config, name"),
		"retry: nothing":            {method: "POST", path: "/poison/retry", body: `{}`, field: "body", allowed: "either record or sourceId"},
		"retry: both":               {method: "POST", path: "/poison/retry", body: `{"record":"t/3:7","sourceId":"` + annSource.String() + `"}`, field: "body", allowed: "either record or sourceId"},
		"retry: no record":          {method: "POST", path: "/poison/retry", body: `{"record":"3:7"}`, field: "record", allowed: "<topic>/<partition>:<offset>"},
		"retry: no source":          {method: "POST", path: "/poison/retry", body: `{"sourceId":"ann"}`, field: "sourceId", allowed: "UUID"},
		"letters: nothing":          {method: "POST", path: "/dead-letters/retry", body: `{}`, field: "body", allowed: "either id, or stage"},
		"letters: all of a stage":   {method: "POST", path: "/dead-letters/retry", body: `{"all":true,"stage":"chunk"}`, field: "body", allowed: "either id, or stage"},
		"letters: one and all":      {method: "POST", path: "/dead-letters/discard", body: `{"id":"chunk/1","all":true}`, field: "id", allowed: "either id, or stage"},
		"letters: no id":            {method: "POST", path: "/dead-letters/discard", body: `{"id":"chunk"}`, field: "id", allowed: "<stage>/<fileId>"},
		"replay: unknown source":    order(`{"selector":{"sources":["`+newSource.String()+`"]}}`, "selector.sources", "your sources"),
		"replay: another's source":  order(`{"selector":{"sources":["`+bobSource.String()+`"]}}`, "selector.sources", "your sources"),
		"replay: no source":         order(`{"selector":{"sources":["ann"]}}`, "selector.sources", "your sources"),
		"replay: bad glob":          order(`{"selector":{"pathGlob":"docs/["}}`, "selector.pathGlob", "glob"),
		"replay: from after to":     order(`{"selector":{"from":"2026-02-02T00:00:00Z","to":"2026-02-01T00:00:00Z"}}`, "selector.from", "before"),
		"replay: from is no time":   order(`{"selector":{"from":"yesterday"}}`, "selector.from", "RFC 3339"),
		"replay: from the future":   order(`{"selector":{"from":"2999-01-01T00:00:00Z"}}`, "selector.from", "passed"),
		"replay: unknown kind":      order(`{"selector":{"kinds":["fish"]}}`, "selector.kinds", "document"),
		"replay: unknown stage":     order(`{"stages":["chunks"]}`, "stages", "chunk"),
		"replay: stages and topic":  order(`{"stages":["chunk"],"topic":"mine"}`, "topic", "either"),
		"replay: our own topic":     order(`{"topic":"dataconnector.events.v1"}`, "topic", "exists"),
		"replay: unknown mode":      order(`{"mode":"all"}`, "mode", "latest, history"),
		"replay: negative rate":     order(`{"ratePerSecond":-1}`, "ratePerSecond", "0"),
		"skip: nothing":             {method: "POST", path: "/poison/skip", body: `{}`, field: "record", allowed: "<topic>/<partition>:<offset>"},
		"skip: a source":            {method: "POST", path: "/poison/skip", body: `{"sourceId":"` + annSource.String() + `"}`, field: "sourceId", allowed: "record"},
		"skip: negative offset":     {method: "POST", path: "/poison/skip", body: `{"record":"t/3:-7"}`, field: "record", allowed: "<topic>/<partition>:<offset>"},
		"sync: unknown type":        {method: "POST", path: "/sources/" + annSource.String() + "/sync", body: `{"type":"remove"}`, field: "type", allowed: "incremental, full"},
		"sync: unknown field":       {method: "POST", path: "/sources/" + annSource.String() + "/sync", body: `{"mode":"full"}`, field: "mode", allowed: "type"},
		"ingest: no id":             {method: "POST", path: "/ingest", body: `{}`, field: "source_id", allowed: "Id"},
		"ingest: id is a number":    {method: "POST", path: "/ingest", body: `{"source_id":7}`, field: "source_id", allowed: "text"},
		"ingest: id in camel case":  {method: "POST", path: "/ingest", body: `{"sourceId":"x"}`, field: "sourceId", allowed: "source_id"},
	}
}

func badQueries() map[string]badInput {
	get := func(path, field, allowed string) badInput {
		return badInput{method: "GET", path: path, field: field, allowed: allowed}
	}
	files := "/sources/" + annSource.String() + "/files"
	return map[string]badInput{
		"unknown parameter":        get("/sources?owner=bob", "owner", "limit, offset"),
		"parameter in other case":  get("/sources?Limit=5", "Limit", "limit, offset"),
		"given twice":              get("/sources?limit=5&limit=6", "limit", "one value"),
		"malformed query":          get("/sources?limit=%zz", "query", "percent-encoded"),
		"limit is a word":          get("/sources?limit=all", "limit", "from 1 to 1000"),
		"limit is empty":           get("/sources?limit=", "limit", "from 1 to 1000"),
		"limit is zero":            get("/sources?limit=0", "limit", "from 1 to 1000"),
		"limit is negative":        get("/sources?limit=-1", "limit", "from 1 to 1000"),
		"limit is too large":       get("/sources?limit=1001", "limit", "from 1 to 1000"),
		"limit overflows":          get("/sources?limit=99999999999999999999", "limit", "from 1 to 1000"),
		"limit is a fraction":      get("/sources?limit=1.5", "limit", "from 1 to 1000"),
		"offset is negative":       get("/sources?offset=-1", "offset", "from 0"),
		"files: unknown kind":      get(files+"?kind=folder", "kind", "symlink"),
		"files: no time":           get(files+"?changedSince=yesterday", "changedSince", "RFC 3339"),
		"files: empty time":        get(files+"?changedSince=", "changedSince", "RFC 3339"),
		"files: foreign cursor":    get(files+"?cursor=abc", "cursor", "next"),
		"files: cursor not base64": get(files+"?cursor=***", "cursor", "next"),
		"files: NUL in prefix":     get(files+"?pathPrefix=a%00b", "pathPrefix", "without NUL"),
		"files: prefix not UTF-8":  get(files+"?pathPrefix=%ff", "pathPrefix", "without NUL"),
		"files: two prefixes":      get(files+"?pathPrefix=a&path=b", "path", "one of the two"),
		"files: long prefix":       get(files+"?path="+strings.Repeat("x", 4097), "path", "at most 4096"),
		"files: limit":             get(files+"?limit=1001", "limit", "from 1 to 1000"),
		"events: from":             get("/sources/"+annSource.String()+"/events?from=-1", "from", "from 0"),
		"events: from overflows":   get("/sources/"+annSource.String()+"/events?from=9223372036854775807", "from", "from 0"),
		"events: limit":            get("/sources/"+annSource.String()+"/events?limit=0", "limit", "from 1 to 1000"),
		"jobs: unknown status":     get("/jobs?status=done", "status", "queued, running, completed, failed, cancelled"),
		"jobs: source is no id":    get("/jobs?sourceId=ann", "sourceId", "UUID"),
		"jobs: limit":              get("/jobs?limit=201", "limit", "from 1 to 200"),
		"hints: source is no id":   get("/webhook-events?sourceId=ann", "sourceId", "UUID"),
		"hints: foreign cursor":    get("/webhook-events?cursor=abc", "cursor", "next"),
		"hints: cursor of files":   get("/webhook-events?cursor=AREREREAAFAAgAAAAAAAAAFhYWFhYWFhYQ", "cursor", "next"),
		"hints: limit":             get("/webhook-events?limit=1001", "limit", "from 1 to 1000"),
		"letters: after":           get("/dead-letters?after=x", "after", "<stage>/<fileId>"),
		"letters: source":          get("/dead-letters?sourceId=ann", "sourceId", "UUID"),
		"poison: after":            get("/poison?after=x/3", "after", "<topic>/<partition>:<offset>"),
		"poison: source is no id":  get("/poison?sourceId=ann", "sourceId", "UUID"),
		"poison: causes":           get("/poison?causes=maybe", "causes", "true or false"),
		"runs: no partition":       get("/runs?at=7", "partition", "from 0"),
		"runs: no offset":          get("/runs?partition=3", "at", "from 0"),
		"runs: negative offset":    get("/runs?partition=3&at=-1", "at", "from 0"),
		"runs: partition too high": get("/runs?partition=4294967299&at=1", "partition", "from 0"),
		"a file has no parameters": get("/files/"+readme.String()+"?a=1", "a", "none"),
		"Min-Log-Position":         {method: "GET", path: "/sources", header: []string{"Min-Log-Position", "7"}, field: "Min-Log-Position", allowed: "<partition>:<offset>"},
		"negative position":        {method: "GET", path: "/sources", header: []string{"Min-Log-Position", "-1:7"}, field: "Min-Log-Position", allowed: "<partition>:<offset>"},
		"long Idempotency-Key":     {method: "POST", path: "/ingest", body: `{"source_id":"` + annSource.String() + `"}`, header: []string{"Idempotency-Key", strings.Repeat("k", 201)}, field: "Idempotency-Key", allowed: "at most 200"},
		"strange Idempotency-Key":  {method: "DELETE", path: "/sources/" + annSource.String(), header: []string{"Idempotency-Key", "kéy"}, field: "Idempotency-Key", allowed: "printable ASCII"},
	}
}

func TestBadInputIsNamedAndDoesNothing(t *testing.T) {
	t.Parallel()

	for group, tests := range map[string]map[string]badInput{"body": badBodies(), "query": badQueries()} {
		for name, tt := range tests {
			t.Run(group+"/"+name, func(t *testing.T) {
				t.Parallel()

				w := newWorld()
				r := call(t, httpapi.New(parts(w)), tt.method, tt.path, tt.body, tt.header...)
				status, code := tt.status, tt.code
				if status == 0 {
					status, code = http.StatusBadRequest, "VALIDATION_ERROR"
				}
				p := wantProblem(t, wantRefusal(t, r, status, code), tt.field)
				if !strings.Contains(p.Allowed, tt.allowed) {
					t.Errorf("got allowed %q, want it to contain %q", p.Allowed, tt.allowed)
				}
				if n := len(w.connects) + len(w.syncs) + len(w.removes) + len(w.changes) + len(w.mends); n > 0 {
					t.Errorf("%d use cases were called", n)
				}
			})
		}
	}
}

func TestUnknownIdsAndRoutes(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/nothing", 404, "NOT_FOUND"},
		{"GET", "/", 404, "NOT_FOUND"},
		{"POST", "/sources/", 404, "NOT_FOUND"},
		{"GET", "/sources/../../etc/passwd", 404, "NOT_FOUND"},
		{"PUT", "/sources", 405, "METHOD_NOT_ALLOWED"},
		{"DELETE", "/jobs", 405, "METHOD_NOT_ALLOWED"},
		{"BREW", "/sources", 405, "METHOD_NOT_ALLOWED"},
		{"POST", "/livez", 405, "METHOD_NOT_ALLOWED"},
		{"GET", "/sources/not-a-uuid", 404, "SOURCE_NOT_FOUND"},
		{"GET", "/sources/" + newSource.String(), 404, "SOURCE_NOT_FOUND"},
		{"GET", "/sources/%00", 404, "SOURCE_NOT_FOUND"},
		{"DELETE", "/sources/not-a-uuid", 404, "SOURCE_NOT_FOUND"},
		{"POST", "/sources/not-a-uuid/sync", 404, "SOURCE_NOT_FOUND"},
		{"PATCH", "/jobs", 405, "METHOD_NOT_ALLOWED"},
		{"GET", "/sources/" + annSource.String() + "/pause", 405, "METHOD_NOT_ALLOWED"},
		{"POST", "/sources/not-a-uuid/pause", 404, "SOURCE_NOT_FOUND"},
		{"POST", "/sources/not-a-uuid/resume", 404, "SOURCE_NOT_FOUND"},
		{"POST", "/sources/not-a-uuid/deletes/release", 404, "SOURCE_NOT_FOUND"},
		{"POST", "/jobs/not-a-uuid/cancel", 404, "JOB_NOT_FOUND"},
		{"POST", "/jobs/not-a-uuid/retry", 404, "JOB_NOT_FOUND"},
		{"GET", "/sources/" + newSource.String() + "/files", 404, "SOURCE_NOT_FOUND"},
		{"GET", "/sources/" + newSource.String() + "/events", 404, "SOURCE_NOT_FOUND"},
		{"GET", "/files/not-a-uuid", 404, "FILE_NOT_FOUND"},
		{"GET", "/files/" + newSource.String() + "/content", 404, "FILE_NOT_FOUND"},
		{"GET", "/jobs/not-a-uuid", 404, "JOB_NOT_FOUND"},
		{"GET", "/jobs/" + newSource.String(), 404, "JOB_NOT_FOUND"},
		{"GET", "/webhook-events?sourceId=" + newSource.String(), 404, "SOURCE_NOT_FOUND"},
		{"GET", "/jobs?sourceId=" + newSource.String(), 404, "SOURCE_NOT_FOUND"},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			t.Parallel()

			r := call(t, httpapi.New(parts(newWorld())), tt.method, tt.path, "")
			wantRefusal(t, r, tt.status, tt.code)
			if allow := r.Header.Values("Allow"); (tt.status == http.StatusMethodNotAllowed) != (len(allow) > 0) {
				t.Errorf("got Allow %v", allow)
			}
		})
	}
}

// The limit is what it says: a body of exactly 1 MiB is read.
func TestLargestBody(t *testing.T) {
	t.Parallel()

	body := `{"type":"localfs","config":{}}`
	body += strings.Repeat(" ", 1<<20-len(body))
	if r := call(t, httpapi.New(parts(newWorld())), "POST", "/sources", body); r.StatusCode != http.StatusCreated {
		t.Errorf("got %d %s, want 201", r.StatusCode, r.Body)
	}
	wantRefusal(t, call(t, httpapi.New(parts(newWorld())), "POST", "/sources", body+" "), 413, "PAYLOAD_TOO_LARGE")
}
