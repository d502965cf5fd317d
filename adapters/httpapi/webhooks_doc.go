package httpapi

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// describeWebhooks adds the endpoints to the API's document. They are not huma's:
// a signature is over the raw bytes.
func (s *Server) describeWebhooks() {
	schemas := s.schemas()
	reply := schemas.Schema(reflect.TypeFor[deliveryReply](), true, "")
	problem := schemas.Schema(reflect.TypeFor[errorReply](), true, "")
	answers := map[string]*huma.Response{"200": {Description: "OK", Content: jsonContent(reply)}}
	for status, text := range map[string]string{
		"401": "Not signed as the address asks. Unknown addresses, removed sources and wrong signatures are not told apart.",
		"404": "No provider of that name sends webhooks.",
		"413": "More than 25 MiB.", "415": "Not application/json, or compressed.", "429": "Too many deliveries of this peer to this address.",
		"503": "Not durable; send it again. Retry-After says when.",
	} {
		answers[status] = &huma.Response{Description: text, Content: jsonContent(problem)}
	}
	param := func(name, doc string) *huma.Param {
		return &huma.Param{Name: name, In: "path", Required: true, Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	provider := param("provider", "github, gitlab, bitbucket, ...")
	const text = "Signed as the provider does it, over the raw bytes. A delivery that is authentic and of no use here is a 200 too. What counts is durable before the answer; sent again, it has no further effect."
	for _, op := range []*huma.Operation{
		{
			OperationID: "take-webhook", Path: "/webhooks/{provider}", Parameters: []*huma.Param{provider},
			Summary: "Take a webhook of an app or organization", Description: "For all sources, of all owners, that the delivery is about. " + text,
		},
		{
			OperationID: "take-source-webhook", Path: "/webhooks/{provider}/{key}", Parameters: []*huma.Param{provider, param("key", "Of one source.")},
			Summary: "Take a webhook of one source", Description: text,
		},
	} {
		op.Method, op.Tags, op.Responses, op.Metadata = http.MethodPost, []string{"events"}, answers, marked(markOpen)
		op.Security = []map[string][]string{{"signature": {}}}
		op.RequestBody = &huma.RequestBody{Description: "What the provider sends.", Content: jsonContent(&huma.Schema{Type: huma.TypeObject, AdditionalProperties: true})}
		s.api.OpenAPI().AddOperation(op)
	}
}

func jsonContent(schema *huma.Schema) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: schema}}
}
