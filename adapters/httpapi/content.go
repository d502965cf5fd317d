package httpapi

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

func contentOperation() huma.Operation {
	return huma.Operation{
		OperationID: "get-file-content", Method: http.MethodGet, Path: "/files/{id}/content", Tags: []string{"files"},
		Summary: "Get the content of a file",
		Description: "The bytes as the provider gave them. The digest is verified while they are sent and the last bytes are kept back until it is: " +
			"damaged content ends in a broken connection (or a 502 when it is small), never in a complete body. One range per request; HEAD is answered too.",
		Errors: []int{http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable, http.StatusBadGateway},
		Responses: map[string]*huma.Response{
			"200": contentResponse("The whole content."),
			"206": contentResponse("The range."),
			"304": {Description: "The content is still the one that If-None-Match names."},
		},
	}
}

func contentResponse(description string) *huma.Response {
	headers := map[string]*huma.Param{}
	for _, name := range []string{"ETag", "Accept-Ranges", "Content-Disposition", "Content-Length"} {
		headers[name] = &huma.Param{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	bytes := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	return &huma.Response{Description: description, Headers: headers, Content: map[string]*huma.MediaType{"*/*": bytes}}
}

type contentInput struct {
	ID          string `path:"id" doc:"Id of the file."`
	IfNoneMatch string `header:"If-None-Match" doc:"ETag of an earlier answer: 304 when the content is still the same."`
	Range       string `header:"Range" doc:"bytes=<first>-<last>, bytes=<first>- or bytes=-<length>: 206."`
	IfRange     string `header:"If-Range" doc:"ETag: Range counts only while the content is still the same."`
}

// getContent handles GET and HEAD /files/{id}/content.
func (s *Server) getContent(ctx context.Context, in *contentInput) (*huma.StreamResponse, error) {
	f, err := s.file(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if f.Content == nil {
		return nil, fmt.Errorf("file %s: %w", in.ID, domain.ErrNoContent)
	}
	tag := `"` + f.Content.SHA256.String() + `"`
	if matches(in.IfNoneMatch, tag) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) { notModified(ctx, tag) }}, nil
	}
	whole := section{length: f.Content.Size, size: f.Content.Size}
	part := whole
	if in.Range != "" && (in.IfRange == "" || in.IfRange == tag) {
		if part, err = parseRange(in.Range, f.Content.Size); err != nil {
			return nil, err
		}
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		contentHeaders(w.Header(), f, tag, part)
		s.sendContent(w, r, f, part)
	}}, nil
}

func notModified(ctx huma.Context, tag string) {
	ctx.SetHeader("ETag", tag)
	ctx.SetHeader("Cache-Control", "private, no-cache")
	ctx.SetStatus(http.StatusNotModified)
}

// contentHeaders describe content that strangers wrote: a browser saves it and
// never runs it.
func contentHeaders(h http.Header, f projections.FileRow, tag string, part section) {
	h.Set("ETag", tag)
	h.Set("Accept-Ranges", "bytes")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Type", mediaType(f.MediaType))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(f.Path)}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Content-Length", strconv.FormatInt(part.length, 10))
	if part.partial {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.start, part.start+part.length-1, part.size))
	}
}

// mediaType is the media type of a file if it is one.
func mediaType(given string) string {
	media, params, err := mime.ParseMediaType(given)
	if text := mime.FormatMediaType(media, params); err == nil && text != "" {
		return text
	}
	return "application/octet-stream"
}
