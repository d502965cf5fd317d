package neighbourtest

import (
	"testing"
)

// Embeddings stands in for the service of that name: a pure function.
type Embeddings struct {
	*Server
	Dimension int // of its vectors
	Texts     int // that it was asked for
}

// NewEmbeddings starts one for the time of a test.
func NewEmbeddings(t *testing.T) *Embeddings {
	t.Helper()
	e := &Embeddings{Dimension: Dimension}
	e.Server = newServer(t, map[string]route{"POST /batch/embed/chunks": e.batch, "GET /health": healthy})
	return e
}

func (e *Embeddings) batch(body []byte) (func(), any, *refusal) {
	o, err := parse(body)
	if err != nil {
		return nil, nil, unprocessable(err.Error())
	}
	list, err := o.list("chunks")
	if err != nil {
		return nil, nil, unprocessable(err.Error())
	}
	answers := make([]any, len(list))
	for i, one := range list {
		if err := one.required(map[string]check{"id": isString, "content": isString}); err != nil {
			return nil, nil, unprocessable(err.Error())
		}
		vector := make([]float64, e.Dimension)
		vector[0] = float64(len(one.text("content"))) // tells whose it is
		answers[i] = map[string]any{"id": one["id"], "embedding": vector, "dimension": e.Dimension}
	}
	return func() { e.Texts += len(list) }, map[string]any{"chunks": answers, "model": "test", "provider": "local"}, nil
}
