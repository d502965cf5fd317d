package normalize

import (
	"context"
	"errors"
	"fmt"

	"github.com/confuse/data-connector/adapters/pipeline"
)

// maxProcess is how many bytes of JSON are posted at once: what the framework of
// the neighbours reads.
const maxProcess = 2<<20 - 16<<10

// Process is the Remote that asks code-normalize-fetch, by POST /process with one
// file. Its form is known from prose only, so the answer is taken as it comes:
// what it leaves out stays as it was.
type Process struct{ Client pipeline.Client }

var _ Remote = (*Process)(nil)

// A processFile is a file of a request.
type processFile struct {
	ID       string `json:"id"`
	Path     string `json:"path"`
	Content  string `json:"content"`
	Language string `json:"language,omitempty"`
}

// A processed is a file of an answer, under the names that the platform has for its
// parts.
type processed struct {
	Path       string  `json:"path"`
	Content    *string `json:"content"`
	Normalized *string `json:"normalized_content"`
	Language   string  `json:"language"`
	Error      string  `json:"error"`
}

var errProcessed = errors.New("answered for other files than it was given")

// Process implements Remote.
func (p *Process) Process(ctx context.Context, h pipeline.Handover, text Text) (Text, error) {
	in := struct {
		SourceID string        `json:"source_id"`
		Files    []processFile `json:"files"`
	}{h.File.SourceID.String(), []processFile{{h.ID.String(), h.File.Path, text.Content, text.Language}}}
	body, err := pipeline.Encode(in)
	if err != nil {
		return Text{}, pipeline.Final(err)
	}
	if len(body) > maxProcess {
		return text, nil // it cannot be asked; what was made here is text too
	}
	var out struct {
		Files []processed `json:"files"`
	}
	if err := p.Client.Post(ctx, pipeline.Request{Path: "/process", Key: pipeline.KeyOf(h.ID.UUID, h.Turn()), Type: "application/json", Body: body}, &out); err != nil {
		return Text{}, fmt.Errorf("normalize: %w", err)
	}
	if out.Files != nil && len(out.Files) == 0 {
		return text, nil // it takes no such file
	}
	if len(out.Files) != 1 || out.Files[0].Path != "" && out.Files[0].Path != h.File.Path {
		return Text{}, fmt.Errorf("normalize: %w", errProcessed)
	}
	return out.Files[0].over(text)
}

// over is text with what the answer says.
func (f processed) over(text Text) (Text, error) {
	if f.Error != "" {
		return Text{}, pipeline.Final(fmt.Errorf("normalize: %.1000s", f.Error))
	}
	for _, content := range []*string{f.Content, f.Normalized} {
		if content != nil {
			text.Content = clean(*content)
		}
	}
	if f.Language != "" && !text.Extracted {
		text.Language = f.Language
	}
	return text, nil
}
