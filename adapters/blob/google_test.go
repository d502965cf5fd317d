package blob_test

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// google is a server of Google Cloud Storage with one bucket: what the store asks
// of the JSON API, and reading by the XML API. Two more buckets only fail.
type google struct{ *shelf }

func newGoogle() http.Handler {
	g := google{newShelf()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /upload/storage/v1/b/bucket/o", g.upload)
	mux.HandleFunc("GET /storage/v1/b/bucket/o", g.list)
	mux.HandleFunc("GET /storage/v1/b/bucket/o/{name}", g.attributes)
	mux.HandleFunc("DELETE /storage/v1/b/bucket/o/{name}", g.remove)
	mux.HandleFunc("GET /bucket/{name...}", g.read)
	mux.HandleFunc("GET /storage/v1/b/refusing/o", g.list)
	mux.HandleFunc("/storage/v1/b/refusing/o/{name}", func(w http.ResponseWriter, _ *http.Request) { g.fail(w, http.StatusForbidden) })
	mux.HandleFunc("/refusing/{name...}", func(w http.ResponseWriter, _ *http.Request) { g.fail(w, http.StatusForbidden) })
	mux.HandleFunc("/storage/v1/b/busy/", func(w http.ResponseWriter, _ *http.Request) { g.fail(w, http.StatusServiceUnavailable) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { g.fail(w, http.StatusNotFound) })
	return mux
}

type googleObject struct {
	Name    string    `json:"name"`
	Bucket  string    `json:"bucket"`
	Size    string    `json:"size"`
	Updated time.Time `json:"updated"`
}

func (google) describe(name string, o laid) googleObject {
	return googleObject{Name: name, Bucket: "bucket", Size: strconv.Itoa(len(o.content)), Updated: o.when}
}

func (google) fail(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":{"code":%d,"message":%q}}`, status, http.StatusText(status))
}

func (google) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client sees what comes
}

// upload takes a small object as a whole, and a big one in chunks.
func (g google) upload(w http.ResponseWriter, r *http.Request) {
	if id := r.URL.Query().Get("upload_id"); id != "" {
		g.resume(w, r, id)
		return
	}
	if r.URL.Query().Get("uploadType") == "resumable" {
		id := uuid.NewString() + "/" + r.URL.Query().Get("name")
		w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"?upload_id="+url.QueryEscape(id))
		return
	}
	meta, content, err := related(r)
	if err != nil {
		g.fail(w, http.StatusBadRequest)
		return
	}
	g.answer(w, g.describe(meta.Name, g.put(meta.Name, content)))
}

// related reads a body of two parts: description and content.
func related(r *http.Request) (meta googleObject, content []byte, err error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return meta, nil, err
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	part, err := parts.NextPart()
	if err == nil {
		err = json.NewDecoder(part).Decode(&meta)
	}
	if err == nil {
		part, err = parts.NextPart()
	}
	if err == nil {
		content, err = io.ReadAll(part)
	}
	return meta, content, err
}

// resume takes a chunk; the last one names the size of the whole.
func (g google) resume(w http.ResponseWriter, r *http.Request, id string) {
	chunk, err := io.ReadAll(r.Body)
	if err != nil {
		return // nobody waits for an answer
	}
	whole := g.part(id, chunk)
	if strings.HasSuffix(r.Header.Get("Content-Range"), "/*") {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(whole)-1))
		w.Header().Set("X-Http-Status-Code-Override", "308")
		return
	}
	_, name, _ := strings.Cut(id, "/")
	g.answer(w, g.describe(name, g.put(name, whole)))
}

func (g google) list(w http.ResponseWriter, r *http.Request) {
	names, more := g.page(r.FormValue("prefix"), r.FormValue("pageToken"))
	page := struct {
		Items []googleObject `json:"items"`
		Next  string         `json:"nextPageToken,omitempty"`
	}{}
	for _, name := range names {
		o, _ := g.get(name)
		page.Items = append(page.Items, g.describe(name, o))
		if more {
			page.Next = name
		}
	}
	g.answer(w, page)
}

func (g google) attributes(w http.ResponseWriter, r *http.Request) {
	o, ok := g.get(r.PathValue("name"))
	if !ok {
		g.fail(w, http.StatusNotFound)
		return
	}
	g.answer(w, g.describe(r.PathValue("name"), o))
}

func (g google) remove(w http.ResponseWriter, r *http.Request) {
	if !g.drop(r.PathValue("name")) {
		g.fail(w, http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (g google) read(w http.ResponseWriter, r *http.Request) {
	o, ok := g.get(r.PathValue("name"))
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	o.send(w, r)
}
