package normalize

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
)

// readTime is what taking one document apart may last.
const readTime = 30 * time.Second

// errDamaged is a document that cannot be read.
var errDamaged = errors.New("the document cannot be read")

// A reader takes the text out of a document. It looks at ctx now and then.
type reader func(ctx context.Context, data []byte) (string, error)

// documentOf finds who reads a file; nil: it is text as it is.
func documentOf(f domain.FileState) reader {
	switch strings.ToLower(path.Ext(f.Path)) {
	case ".html", ".htm", ".xhtml":
		return readHTML
	case ".pdf":
		return readPDF
	case ".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".pptm", ".odt", ".ods", ".odp":
		return readOffice
	}
	media, _, _ := strings.Cut(f.MediaType, ";")
	switch {
	case media == "text/html" && f.Language == "" || media == "application/xhtml+xml":
		return readHTML
	case media == "application/pdf":
		return readPDF
	case strings.HasPrefix(media, "application/vnd.openxmlformats-officedocument."),
		strings.HasPrefix(media, "application/vnd.oasis.opendocument."):
		return readOffice
	}
	return nil
}

// extract runs read with its time bounded. A reader that does not look at its
// context is left behind: it ends by itself, since what it reads is bounded too.
func extract(ctx context.Context, read reader, data []byte) (string, error) {
	type result struct {
		text string
		err  error
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	done := make(chan result, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil { // libraries panic on damaged documents
				done <- result{"", pipeline.Final(fmt.Errorf("%w: %v", errDamaged, r))}
			}
		}()
		text, err := read(ctx, data)
		if err == nil && len(text) > MaxText {
			err = ErrTooLarge
		}
		done <- result{strings.TrimSpace(clean(text)) + "\n", err}
	}()
	select {
	case r := <-done:
		if errors.Is(r.err, context.DeadlineExceeded) {
			return "", pipeline.Final(fmt.Errorf("%w within %s", errDamaged, readTime))
		}
		return r.text, r.err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return "", pipeline.Final(fmt.Errorf("%w within %s", errDamaged, readTime))
		}
		return "", ctx.Err()
	}
}
