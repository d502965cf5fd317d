package normalize

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/confuse/data-connector/adapters/pipeline"
)

// maxEntries is how many parts a document may have.
const maxEntries = 20_000

// readOffice gives the text of a document of Office Open XML (ECMA-376) or
// OpenDocument: archives of XML parts.
func readOffice(ctx context.Context, data []byte) (string, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return "", pipeline.Final(fmt.Errorf("%w: %w", errDamaged, err))
	}
	if len(archive.File) > maxEntries {
		return "", ErrTooLarge
	}
	d := &office{ctx: ctx, left: maxUnpacked, parts: make(map[string]*zip.File)}
	for _, f := range archive.File {
		d.parts[f.Name] = f
	}
	if err := d.read(); err != nil {
		return "", err
	}
	if strings.TrimSpace(d.String()) == "" {
		return "", ErrBinary
	}
	return d.String(), nil
}

// An office is a document that is being read.
type office struct {
	strings.Builder
	ctx    context.Context
	left   int64 // bytes that may still be unpacked: an archive of a few bytes may hold any number
	parts  map[string]*zip.File
	shared []string // texts that cells of a workbook name
}

var numbered = regexp.MustCompile(`^(?:ppt/slides/slide|ppt/notesSlides/notesSlide|xl/worksheets/sheet)(\d+)\.xml$`)

// read goes through the parts that have text.
func (d *office) read() error {
	if d.parts["xl/sharedStrings.xml"] != nil {
		if err := d.part("xl/sharedStrings.xml", d.strings); err != nil {
			return err
		}
	}
	for _, name := range d.names() {
		read := d.prose
		if strings.HasPrefix(name, "xl/") {
			read = d.cells
		}
		if err := d.part(name, read); err != nil {
			return err
		}
	}
	return nil
}

// names are those of the parts, in the order of the document.
func (d *office) names() []string {
	for _, one := range []string{"word/document.xml", "content.xml"} {
		if d.parts[one] != nil {
			return []string{one}
		}
	}
	var names []string
	for name := range d.parts {
		if numbered.MatchString(name) {
			names = append(names, name)
		}
	}
	number := func(name string) int {
		n, _ := strconv.Atoi(numbered.FindStringSubmatch(name)[1]) // too many digits: last
		return n
	}
	slices.SortFunc(names, func(a, b string) int {
		if c := strings.Compare(path.Dir(b), path.Dir(a)); c != 0 { // slides before notes
			return c
		}
		return number(a) - number(b)
	})
	return names
}

// part reads one.
func (d *office) part(name string, read func(*xml.Decoder) error) error {
	f, err := d.parts[name].Open()
	if err != nil {
		return pipeline.Final(fmt.Errorf("%w: %w", errDamaged, err))
	}
	defer func() { _ = f.Close() }() // what was read counts
	bounded := &io.LimitedReader{R: f, N: d.left}
	err = read(xml.NewDecoder(bounded))
	d.left = bounded.N
	switch {
	case d.left <= 0 || d.Len() > MaxText || errors.Is(err, ErrTooLarge):
		return ErrTooLarge
	case d.ctx.Err() != nil:
		return d.ctx.Err()
	case err != nil:
		return pipeline.Final(fmt.Errorf("%w: %w", errDamaged, err))
	}
	d.WriteByte('\n')
	return nil
}

// each calls take for every token until the end.
func (d *office) each(dec *xml.Decoder, take func(xml.Token)) error {
	for n := 0; ; n++ {
		t, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if d.Len() > MaxText {
			return ErrTooLarge
		}
		if n%1024 == 0 && d.ctx.Err() != nil {
			return d.ctx.Err()
		}
		take(t)
	}
}

// prose is the text of paragraphs: <w:t> and <a:t>, and all text in OpenDocument.
func (d *office) prose(dec *xml.Decoder) error {
	inText := 0
	return d.each(dec, func(t xml.Token) {
		switch e := t.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "t":
				inText++
			case "p", "h":
				if e.Name.Space == "text" {
					inText++
				}
			case "tab", "br", "cr", "line-break", "s":
				if e.Name.Space == "text" || e.Name.Space == "w" || e.Name.Space == "a" {
					d.WriteString(map[string]string{"tab": "\t", "s": " "}[e.Name.Local])
					if e.Name.Local != "tab" && e.Name.Local != "s" {
						d.WriteByte('\n')
					}
				}
			}
		case xml.EndElement:
			switch {
			case e.Name.Local == "t":
				inText--
			case e.Name.Space == "text" && (e.Name.Local == "p" || e.Name.Local == "h"):
				inText--
				d.WriteByte('\n')
			case e.Name.Local == "p":
				d.WriteByte('\n')
			case e.Name.Local == "tc" || e.Name.Local == "table-cell":
				d.WriteByte('\t')
			}
		case xml.CharData:
			if inText > 0 {
				d.Write(e)
			}
		}
	})
}

// strings are the shared texts of a workbook.
func (d *office) strings(dec *xml.Decoder) error {
	var one strings.Builder
	var size int
	inText := false
	err := d.each(dec, func(t xml.Token) {
		switch e := t.(type) {
		case xml.StartElement:
			inText = e.Name.Local == "t"
		case xml.EndElement:
			inText = false
			if e.Name.Local == "si" {
				d.shared = append(d.shared, one.String())
				one.Reset()
			}
		case xml.CharData:
			if inText && size <= MaxText {
				size += len(e)
				one.Write(e)
			}
		}
	})
	if size > MaxText {
		return ErrTooLarge
	}
	return err
}

// cells are the values of a sheet, with tabs between.
func (d *office) cells(dec *xml.Decoder) error {
	shared, inValue := false, false
	return d.each(dec, func(t xml.Token) {
		switch e := t.(type) {
		case xml.StartElement:
			inValue = e.Name.Local == "v" || e.Name.Local == "t"
			if e.Name.Local == "c" {
				shared = slices.ContainsFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == "t" && a.Value == "s" })
			}
		case xml.EndElement:
			inValue = false
			switch e.Name.Local {
			case "c":
				d.WriteByte('\t')
			case "row":
				d.WriteByte('\n')
			}
		case xml.CharData:
			if !inValue {
				return
			}
			if n, err := strconv.Atoi(string(e)); shared && err == nil && 0 <= n && n < len(d.shared) {
				d.WriteString(d.shared[n])
				return
			}
			d.Write(e)
		}
	})
}
