package wire_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/docs"
	"github.com/confuse/data-connector/domain/wire"
)

// node is a part of a JSON document.
type node = map[string]any

const (
	asyncAPIFile = "../../docs/asyncapi.json"
	asyncAPIText = "../../docs/asyncapi.md"
)

// The committed AsyncAPI document is made of its text, the types and the golden
// files; -update writes it.
func TestAsyncAPI(t *testing.T) {
	t.Parallel()

	got := indented(t, asyncAPI(t))
	if *update {
		if err := os.WriteFile(asyncAPIFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := docs.AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is stale; go test ./domain/wire -update writes it (-want +got):\n%s", asyncAPIFile, diff)
	}
}

// Every header of every recorded event is one of the document, with its form.
func TestGoldenHeadersAreValid(t *testing.T) {
	t.Parallel()

	schema := compiled(t, indented(t, headerSchema()))
	known := headerSchema()["properties"].(node)
	for name, m := range samples() {
		headers, _ := record(t, m)
		values := node{}
		for key, value := range headers {
			values[key] = value
			if known[key] == nil {
				t.Errorf("%s: header %s is not in the document", name, key)
			}
		}
		if err := schema.Validate(values); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func asyncAPI(t *testing.T) node {
	t.Helper()
	text, err := os.ReadFile(asyncAPIText)
	if err != nil {
		t.Fatal(err)
	}
	messages := node{}
	for name, event := range events() {
		messages[shortName(name)] = messageOf(t, name, event)
	}
	return node{
		"asyncapi":           "3.0.0",
		"defaultContentType": "application/json",
		"info": node{
			"title": "data-connector: the log", "version": "1.0.0", "description": string(text),
			"license": node{"name": "MIT"},
		},
		"channels": node{
			"events":     channel("events", "delete", "The truth about sources and their files.", wire.TypeSourceChanged, wire.TypeFileChanged),
			"pipeline":   channel("pipeline", "delete", "What the stages of the pipeline made of the files.", wire.TypeStageReported),
			"filesState": channel("files.state", "compact", "Under each file id the last FileChanged that counts, and a record without a value once the file is removed. There with FILES_STATE=true only.", wire.TypeFileChanged),
		},
		"operations": node{
			"sendEvents":     operation("events", "What became of a source or a file is appended in the order it became known."),
			"sendPipeline":   operation("pipeline", "A stage reports each file that it was handed."),
			"sendFilesState": operation("filesState", "The state of a file takes the place of the one before."),
		},
		"components": node{"messages": messages},
	}
}

// shortName makes "FileChanged" of "confuse.FileChanged.v1".
func shortName(eventType string) string { return strings.Split(eventType, ".")[1] }

func ref(path string) node { return node{"$ref": "#/" + path} }

func channel(name, cleanup, summary string, eventTypes ...string) node {
	messages := node{}
	for _, eventType := range eventTypes {
		messages[shortName(eventType)] = ref("components/messages/" + shortName(eventType))
	}
	return node{
		"address":    "{prefix}." + name + ".v1",
		"summary":    summary,
		"messages":   messages,
		"parameters": node{"prefix": node{"default": "dataconnector", "description": "As configured."}},
		"description": "The partition of a record is the one recorded in the registered event of its source, " +
			"never a hash of the key.",
		"bindings": node{"kafka": node{
			"topic": "dataconnector." + name + ".v1", "bindingVersion": "0.5.0",
			"topicConfiguration": node{"cleanup.policy": []string{cleanup}, "retention.ms": -1, "max.message.bytes": 1 << 20},
		}},
	}
}

func operation(channel, summary string) node {
	return node{"action": "send", "channel": ref("channels/" + channel), "summary": summary}
}

func messageOf(t *testing.T, eventType string, event any) node {
	t.Helper()
	var schema json.RawMessage = schemaOf(t, eventType, event)
	title, key := readLanguage(t).comments[shortName(eventType)], "The file id."
	switch eventType {
	case wire.TypeSourceChanged:
		key = "The source id."
	case wire.TypeStageReported:
		key += " The source id where it is about an event of a source."
	}
	return node{
		"name": eventType, "title": shortName(eventType), "summary": title, "contentType": "application/json",
		"headers":  headerSchema(),
		"payload":  node{"schemaFormat": "application/schema+json;version=draft-07", "schema": schema},
		"examples": examples(t, eventType),
		"bindings": node{"kafka": node{"key": node{"type": "string", "format": "uuid", "description": key}, "bindingVersion": "0.5.0"}},
	}
}

// examples are the recorded events of a type.
func examples(t *testing.T, eventType string) []node {
	t.Helper()
	var found []node
	for _, name := range slices.Sorted(maps.Keys(samples())) {
		headers, value := golden(t, "testdata/"+name+".golden")
		if headers[wire.HeaderType] == eventType {
			found = append(found, node{"name": name, "headers": headers, "payload": json.RawMessage(value)})
		}
	}
	return found
}

func headerSchema() node {
	text := func(description string, more ...string) node {
		n := node{"type": "string", "description": description}
		for i := 0; i < len(more); i += 2 {
			n[more[i]] = more[i+1]
		}
		return n
	}
	return node{
		"type": "object",
		"required": []any{
			wire.HeaderSpecVersion, wire.HeaderID, wire.HeaderType, wire.HeaderSource, wire.HeaderSubject, wire.HeaderTime,
			wire.HeaderDataSchema, wire.HeaderContentType,
		},
		"properties": node{
			wire.HeaderSpecVersion: text("The version of CloudEvents.", "const", "1.0"),
			wire.HeaderID:          text("The id of the event. An event that is appended again has the same one.", "format", "uuid"),
			wire.HeaderType:        text("The type of the event, with its version."),
			wire.HeaderSource:      text("The source that the event belongs to.", "pattern", "^/sources/[0-9a-f-]{36}$"),
			wire.HeaderSubject:     text("The file id, of a SourceChanged and of a report on one the source id.", "format", "uuid"),
			wire.HeaderTime:        text("When the event was made. No order rests on it.", "format", "date-time"),
			wire.HeaderDataSchema:  text("The JSON Schema of the data.", "format", "uri"),
			wire.HeaderContentType: text("Of the value.", "const", "application/json"),
			wire.HeaderTrace:       text("W3C Trace Context, when there is one."),
			wire.HeaderRun:         text("Copy of run, in events of a run.", "pattern", "^[0-9]+$"),
			wire.HeaderSeq:         text("Copy of seq, in events of a run.", "pattern", "^[0-9]+$"),
		},
	}
}
