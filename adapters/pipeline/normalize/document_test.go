package normalize_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/normalize"
	"github.com/confuse/data-connector/domain"
)

// handover is a file of that name with those bytes.
func handover(name string, data []byte) pipeline.Handover {
	e := domain.FileChanged{
		SourceID: domain.SourceID{UUID: uuid.New()}, FileID: domain.FileID{UUID: uuid.New()}, Change: domain.FileAdded,
		FileState: domain.FileState{Path: name, Content: &domain.ClaimCheck{SHA256: domain.Digest(sha256.Sum256(data)), Size: int64(len(data))}},
	}
	return pipeline.Handover{
		ID: domain.EventID{UUID: uuid.New()}, File: e,
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
	}
}

// archive is a document of parts: names and their XML, in turn.
func archive(t *testing.T, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		f, err := w.Create(parts[i])
		if err == nil {
			_, err = io.WriteString(f, parts[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// document is a PDF of these objects, numbered from 1, of which the first one is its
// root. trailer stands in its last dictionary.
func document(trailer string, objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", trailer, at)
	return b.Bytes()
}

func size(n int) string { return fmt.Sprintf("/Size %d", n) }

func stream(text string) string {
	return fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text)
}

// pagesOf is a PDF with a page for each text, in one font.
func pagesOf(texts ...string) []byte {
	objects := []string{"<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"}
	var kids []string
	for _, text := range texts {
		at := len(objects) + 1
		kids = append(kids, fmt.Sprintf("%d 0 R", at))
		objects = append(objects,
			fmt.Sprintf("<< /Type /Page /Parent 2 0 R /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>", at+1),
			stream("BT /F1 12 Tf 72 720 Td ("+text+") Tj ET"))
	}
	objects[1] = fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>", len(kids), strings.Join(kids, " "))
	return document(size(len(objects)+1), objects...)
}

// Documents become the text that they show.
func TestDocuments(t *testing.T) {
	t.Parallel()

	const w = `<w:document xmlns:w="w"><w:body>`
	tests := map[string]struct {
		data []byte
		want string
	}{
		"page.html": {[]byte("<html><head><title>T</title><style>p{}</style><script>var x = '<p>no'</script></head><body><h2>Head</h2><p>One  &amp;\ntwo</p><!-- no --><ul><li>a<li>b</ul><pre>x\r\n  y</pre></body></html>"),
			"T\n\n## Head\nOne & two\n- a\n- b\nx\n  y\n"},
		"latin.htm":  {[]byte("<html><head><meta charset=\"iso-8859-1\"></head><p>caf\xe9</html>"), "café\n"},
		"wide.html":  {[]byte("\xff\xfe<\x00p\x00>\x00h\x00i\x00"), "hi\n"},
		"letter.pdf": {pagesOf("Dear Ann", "second page"), "Dear Ann\n\nsecond page\n"},
		"letter.docx": {archive(t, "[Content_Types].xml", "<Types/>", "word/document.xml",
			w+`<w:p><w:r><w:t>Dear</w:t></w:r><w:r><w:t xml:space="preserve"> Ann</w:t><w:tab/><w:t>!</w:t><w:br/><w:delText>gone</w:delText></w:r></w:p><w:p><w:r><w:t>Bye &amp; so on</w:t></w:r></w:p></w:body></w:document>`),
			"Dear Ann\t!\n\nBye & so on\n"},
		"table.xlsx": {archive(t, "xl/sharedStrings.xml", `<sst><si><t>Name</t></si><si><r><t>An</t></r><r><t>n</t></r></si></sst>`,
			"xl/worksheets/sheet2.xml", `<worksheet><sheetData><row><c t="inlineStr"><is><t>last</t></is></c></row></sheetData></worksheet>`,
			"xl/worksheets/sheet1.xml", `<worksheet><sheetData><row><c t="s"><v>0</v></c><c t="s"><v>1</v></c><c><v>42</v></c></row></sheetData></worksheet>`),
			"Name\tAnn\t42\t\n\nlast\n"},
		"slides.pptx": {archive(t, "ppt/slides/slide10.xml", `<p:sld><a:p><a:r><a:t>ten</a:t></a:r></a:p></p:sld>`,
			"ppt/slides/slide2.xml", `<p:sld><a:p><a:r><a:t>two</a:t></a:r></a:p></p:sld>`,
			"ppt/notesSlides/notesSlide1.xml", `<p:notes><a:p><a:r><a:t>note</a:t></a:r></a:p></p:notes>`),
			"two\n\nten\n\nnote\n"},
		"text.odt": {archive(t, "mimetype", "application/vnd.oasis.opendocument.text", "content.xml",
			`<office:document-content><office:body><office:text><text:h>Head</text:h><text:p>one<text:s/>two<text:span> three</text:span></text:p></office:text></office:body></office:document-content>`),
			"Head\none two three\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, err := normalize.New(nil, 1<<20).Text(t.Context(), handover(name, tt.data))
			if err != nil || got.Content != tt.want || !got.Extracted {
				t.Errorf("got %q, %v, want %q", got.Content, err, tt.want)
			}
		})
	}
}

// What cannot be read is refused for good, in bounded time and memory; what has no
// text is binary.
func TestDocumentsOfStrangers(t *testing.T) {
	t.Parallel()

	const catalog = "<< /Type /Catalog /Pages 2 0 R >>"
	tests := map[string]struct {
		data   []byte
		binary bool
	}{
		"no.pdf":      {[]byte("%PDF-1.4\nthat is all"), false},
		"scan.pdf":    {pagesOf(""), true},
		"circle.pdf":  {document(size(3), catalog, "<< /Type /Pages /Count 9 /Kids [2 0 R] >>"), false},
		"boasts.pdf":  {document("/Size 9000000000", catalog), false},
		"section.pdf": {[]byte("%PDF-1.4\nxref\n99999999999 1\n0000000000 65535 f \ntrailer\n<< /Size 1 >>\nstartxref\n9\n%%EOF\n"), false},
		"no.docx":     {[]byte("PK\x03\x04 and no more"), false},
		"empty.docx":  {archive(t, "word/document.xml", "<w:document/>"), true},
		"broken.docx": {archive(t, "word/document.xml", "<w:document><w:t>a</"), false},
		"bomb.docx":   {archive(t, "word/document.xml", "<w:document>"+strings.Repeat(" ", 70<<20)+"<w:t>a</w:t></w:document>"), false},
		"long.docx":   {archive(t, "word/document.xml", "<w:document><w:t>"+strings.Repeat("a", 9<<20)+"</w:t></w:document>"), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, err := normalize.New(nil, 1<<20).Text(t.Context(), handover(name, tt.data))
			if tt.binary != errors.Is(err, normalize.ErrBinary) || tt.binary == pipeline.IsFinal(err) {
				t.Errorf("got %.100q, %v, want binary: %t", got.Content, err, tt.binary)
			}
		})
	}
}

// A document whose table of objects leads back to itself is given up when time is.
func TestEndlessDocument(t *testing.T) {
	t.Parallel()

	data := document(size(2)+" /Prev 0000000000", "<< /Type /Catalog >>")
	at := bytes.Index(data, []byte("xref"))
	data = bytes.Replace(data, []byte("/Prev 0000000000"), fmt.Appendf(nil, "/Prev %010d", at), 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := normalize.New(nil, 1<<20).Text(ctx, handover("endless.pdf", data)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was given up", err)
	}
}
