package normalize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/ledongthuc/pdf"

	"github.com/confuse/data-connector/adapters/pipeline"
)

const (
	// maxPages is how many pages of a document are read.
	maxPages = 5_000
	// maxDepth is how deep the tree of pages may be.
	maxDepth = 50
	// maxObjects is how many objects a document may have (ISO 32000-1, annex C).
	maxObjects = 8_388_607
)

// readPDF gives the text of each page. One without any, such as a scan, is
// ErrBinary.
func readPDF(ctx context.Context, data []byte) (string, error) {
	if boasts(data) {
		return "", ErrTooLarge
	}
	doc, err := pdf.NewReader(&bounded{ctx, bytes.NewReader(data)}, int64(len(data)))
	if errors.Is(err, pdf.ErrInvalidPassword) {
		return "", pipeline.Final(errors.New("the document needs a password"))
	}
	if err != nil {
		return "", damaged(ctx, err)
	}
	p := pages{ctx: ctx, unpacked: maxUnpacked, nodes: 2 * maxPages}
	if err := p.read(doc.Trailer().Key("Root").Key("Pages"), 0); err != nil {
		return "", err
	}
	if strings.TrimSpace(p.String()) == "" {
		return "", ErrBinary
	}
	return p.String(), nil
}

// damaged is err of a library, unless it was made to end.
func damaged(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return pipeline.Final(fmt.Errorf("%w: %w", errDamaged, err))
}

// bounded is a document that can be read until ctx ends. The library follows what a
// document says of itself and may go round in circles for ever; each turn reads.
type bounded struct {
	ctx context.Context
	io.ReaderAt
}

// ReadAt implements io.ReaderAt. It panics when ctx has ended: an error would be
// passed over. Whoever called the library recovers.
func (b *bounded) ReadAt(p []byte, off int64) (int, error) {
	if err := b.ctx.Err(); err != nil {
		panic(err)
	}
	return b.ReaderAt.ReadAt(p, off)
}

// What the library makes room for as soon as a document names it, before there is
// any of it: objects, by their number or in a section of the table, and the
// columns of a picture.
var claims = regexp.MustCompile(`(?:/S(?:i|#69)(?:z|#7[aA])(?:e|#65)|/Columns)[\x00\t\n\f\r ]*([0-9]+)` +
	`|([0-9]{8,})[\x00\t\n\f\r ]+[0-9]+[\x00\t\n\f\r ]+[0-9t]`)

// boasts tells whether a document claims more than any may hold.
func boasts(data []byte) bool {
	for _, m := range claims.FindAllSubmatch(data, -1) {
		n, err := strconv.ParseInt(string(append(m[1], m[2]...)), 10, 64)
		if err != nil || n > maxObjects {
			return true
		}
	}
	return false
}

// pages are the text of what was read of a document.
type pages struct {
	strings.Builder
	ctx      context.Context
	unpacked int64 // bytes of instructions that may still be unpacked
	nodes    int   // of the tree that may still be visited: it may be no tree
	count    int
}

// read goes through a node of the tree of pages.
func (p *pages) read(node pdf.Value, depth int) error {
	if p.nodes--; p.nodes < 0 || depth > maxDepth || p.count > maxPages || p.Len() > MaxText {
		return ErrTooLarge
	}
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	switch node.Key("Type").Name() {
	case "Pages":
		kids := node.Key("Kids")
		for i := range kids.Len() {
			if err := p.read(kids.Index(i), depth+1); err != nil {
				return err
			}
		}
	case "Page":
		p.count++
		return p.page(pdf.Page{V: node})
	}
	return nil
}

func (p *pages) page(page pdf.Page) error {
	contents := page.V.Key("Contents")
	if contents.Kind() == pdf.Stream {
		p.unpack(contents)
	}
	for i := range contents.Len() {
		p.unpack(contents.Index(i))
	}
	if p.unpacked <= 0 {
		return ErrTooLarge
	}
	text, err := page.GetPlainText(nil) // the names of fonts mean others on each page
	if err != nil {
		return damaged(p.ctx, fmt.Errorf("page %d: %w", p.count, err))
	}
	p.WriteString(strings.TrimSpace(text))
	p.WriteString("\n\n")
	return nil
}

// unpack counts what is in a stream, before anybody keeps what it says.
func (p *pages) unpack(stream pdf.Value) {
	if stream.Kind() != pdf.Stream {
		return
	}
	r := stream.Reader()
	n, _ := io.Copy(io.Discard, io.LimitReader(r, p.unpacked)) // what is damaged is found when it is read
	_ = r.Close()                                              // it was only read
	p.unpacked -= n
}
