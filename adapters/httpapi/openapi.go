package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// humaConfig is huma's configuration: JSON only, and none of its own routes,
// because its pages load scripts from elsewhere.
func (s *Server) humaConfig() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "data-connector", Version: s.Version,
				Description: "Connects sources, keeps a complete, ordered, replayable record of what changed in them, and answers questions about it.",
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer":    {Type: "http", Scheme: "bearer", Description: "An API key, dck_..."},
					"apiKey":    {Type: "apiKey", In: "header", Name: "X-API-Key", Description: "The same key, in a header of its own."},
					"signature": {Type: "apiKey", In: "header", Name: "X-Hub-Signature-256", Description: "Of a provider, over the raw bytes of its webhook, each with headers of its own."},
					"gateway":   {Type: "apiKey", In: "header", Name: serviceHeader, Description: "A trusted gateway (AUTH_MODE=trusted-header), which names the owner in X-User-Id."},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": jsonFormat()},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{s.explain},
	}
}

// publish serves the documents that describe the API, now that all operations
// are registered. Each is made once, when it is first asked for: a server starts
// sooner without them.
func (s *Server) publish() {
	s.describeLongHeaders()
	s.document("/openapi.json", "application/json", s.OpenAPI)
	s.document("/asyncapi.json", "application/json", func() []byte { return s.AsyncAPI })
	s.document("/docs", "text/html; charset=utf-8", func() []byte { return docsPage(s.Reference()) })
}

// describeLongHeaders adds what net/http answers by itself, before any operation is asked.
func (s *Server) describeLongHeaders() {
	for _, item := range s.api.OpenAPI().Paths {
		for _, op := range operationsOf(item) {
			op.Responses[strconv.Itoa(http.StatusRequestHeaderFieldsTooLarge)] = &huma.Response{
				Description: fmt.Sprintf("Address and headers take more than %d KiB.", maxHeader>>10),
				Content:     map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
			}
		}
	}
}

// operationsOf are those of one path.
func operationsOf(item *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete}
	return slices.DeleteFunc(all, func(op *huma.Operation) bool { return op == nil })
}

// OpenAPI is the OpenAPI 3.1 document of the API, as JSON.
func (s *Server) OpenAPI() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s.api.OpenAPI()); err != nil {
		s.Log.Error("openapi document", "err", err)
	}
	return b.Bytes()
}

func (s *Server) document(path, mediaType string, render func() []byte) {
	content := sync.OnceValue(render)
	s.router.Get(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		if _, err := w.Write(content()); err != nil {
			s.Log.DebugContext(r.Context(), "client has gone", "err", err)
		}
	})
}
