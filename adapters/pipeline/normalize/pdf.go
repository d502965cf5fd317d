package normalize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ledongthuc/pdf"

	"github.com/confuse/data-connector/adapters/pipeline"
)

// maxPages is how many pages of a document are read.
const maxPages = 5_000

// readPDF gives the text of each page. One without any, such as a scan, is
// ErrBinary.
func readPDF(ctx context.Context, data []byte) (string, error) {
	doc, err := pdf.NewReader(bytes.NewReader(data), int64(len(data)))
	if errors.Is(err, pdf.ErrInvalidPassword) {
		return "", pipeline.Final(errors.New("the document needs a password"))
	}
	if err != nil {
		return "", pipeline.Final(fmt.Errorf("%w: %w", errDamaged, err))
	}
	if doc.NumPage() > maxPages {
		return "", ErrTooLarge
	}
	fonts := make(map[string]*pdf.Font)
	var b strings.Builder
	for n := 1; n <= doc.NumPage() && b.Len() <= MaxText; n++ {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		page := doc.Page(n)
		if page.V.IsNull() {
			continue
		}
		for _, name := range page.Fonts() {
			if _, ok := fonts[name]; !ok {
				font := page.Font(name)
				fonts[name] = &font
			}
		}
		text, err := page.GetPlainText(fonts)
		if err != nil {
			return "", pipeline.Final(fmt.Errorf("%w: page %d: %w", errDamaged, n, err))
		}
		b.WriteString(text)
		b.WriteString("\n\n")
	}
	if strings.TrimSpace(b.String()) == "" {
		return "", ErrBinary
	}
	return b.String(), nil
}
