package blob_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const azureAccount = "account"

var azureKey = base64.StdEncoding.EncodeToString([]byte("the key of this test program"))

// azure is a server of Azure Blob Storage with one container, and another one that
// can only be listed. It refuses requests that are not signed with its key.
type azure struct{ *shelf }

func newAzure() http.Handler {
	a := azure{newShelf()}
	const blob = " /" + azureAccount + "/bucket/{name...}"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+azureAccount+"/bucket", a.list)
	mux.HandleFunc("PUT"+blob, a.write)
	mux.HandleFunc("GET"+blob, a.read)
	mux.HandleFunc("DELETE"+blob, a.remove)
	mux.HandleFunc("GET /"+azureAccount+"/refusing", a.list)
	mux.HandleFunc("/"+azureAccount+"/refusing/{name...}", func(w http.ResponseWriter, _ *http.Request) {
		a.fail(w, http.StatusForbidden, "AuthorizationPermissionMismatch")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { a.fail(w, http.StatusNotFound, "ContainerNotFound") })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != azureSignature(r) {
			a.fail(w, http.StatusForbidden, "AuthenticationFailed")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// azureSignature follows "Authorize with Shared Key" of the Azure documentation.
func azureSignature(r *http.Request) string {
	text := []string{r.Method, r.Header.Get("Content-Encoding"), r.Header.Get("Content-Language"), ""}
	if r.ContentLength > 0 {
		text[3] = strconv.FormatInt(r.ContentLength, 10)
	}
	for _, h := range []string{"Content-MD5", "Content-Type", "Date", "If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range"} {
		text = append(text, r.Header.Get(h))
	}
	headers := map[string]string{}
	for h, values := range r.Header {
		if h = strings.ToLower(h); strings.HasPrefix(h, "x-ms-") {
			headers[h] = strings.Join(values, ",")
		}
	}
	for _, h := range slices.Sorted(maps.Keys(headers)) {
		text = append(text, h+":"+headers[h])
	}
	text = append(text, "/"+azureAccount+r.URL.EscapedPath())
	query := r.URL.Query()
	for _, q := range slices.Sorted(maps.Keys(query)) {
		text = append(text, q+":"+strings.Join(query[q], ","))
	}
	key, _ := base64.StdEncoding.DecodeString(azureKey) // encoded above
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, strings.Join(text, "\n")) // a hash never fails
	return "SharedKey " + azureAccount + ":" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (azure) fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Ms-Error-Code", code)
	w.WriteHeader(status)
}

// write takes a small blob, a block, or the list of blocks that make a big one.
func (a azure) write(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return // nobody waits for an answer
	}
	name := r.PathValue("name")
	switch r.FormValue("comp") {
	case "block":
		a.part(name+"?"+r.FormValue("blockid"), content)
	case "blocklist":
		var list struct{ Latest []string }
		if xml.Unmarshal(content, &list) != nil {
			a.fail(w, http.StatusBadRequest, "InvalidXmlDocument")
			return
		}
		var whole []byte
		for _, id := range list.Latest {
			whole = append(whole, a.part(name+"?"+id, nil)...)
		}
		a.put(name, whole)
	default:
		a.put(name, content)
	}
	w.WriteHeader(http.StatusCreated)
}

func (a azure) read(w http.ResponseWriter, r *http.Request) {
	o, ok := a.get(r.PathValue("name"))
	if !ok {
		a.fail(w, http.StatusNotFound, "BlobNotFound")
		return
	}
	w.Header().Set("X-Ms-Creation-Time", o.when.Format(http.TimeFormat))
	if part := r.Header.Get("X-Ms-Range"); part != "" {
		r.Header.Set("Range", part)
	}
	o.send(w, r)
}

func (a azure) remove(w http.ResponseWriter, r *http.Request) {
	if !a.drop(r.PathValue("name")) {
		a.fail(w, http.StatusNotFound, "BlobNotFound")
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

type azureBlob struct {
	Name     string
	Modified string `xml:"Properties>Last-Modified"`
	Size     int    `xml:"Properties>Content-Length"`
}

func (a azure) list(w http.ResponseWriter, r *http.Request) {
	page := struct {
		XMLName xml.Name    `xml:"EnumerationResults"`
		Blobs   []azureBlob `xml:"Blobs>Blob"`
		Next    string      `xml:"NextMarker"`
	}{}
	names, more := a.page(r.FormValue("prefix"), r.FormValue("marker"))
	for _, name := range names {
		o, _ := a.get(name)
		page.Blobs = append(page.Blobs, azureBlob{Name: name, Modified: o.when.Format(http.TimeFormat), Size: len(o.content)})
		if more {
			page.Next = name
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(page) // the client sees what comes
}
