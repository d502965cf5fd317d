package normalize

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// maxTag is what one tag or text of a page may take.
const maxTag = MaxText

// readHTML gives what a page shows: no scripts, styles and tags; headings and
// lists as in Markdown.
func readHTML(_ context.Context, data []byte) (string, error) {
	if enc, _, certain := charset.DetermineEncoding(data[:min(len(data), 1024)], ""); certain && enc != nil {
		if decoded, err := enc.NewDecoder().Bytes(data); err == nil {
			data = bytes.TrimPrefix(decoded, []byte("\ufeff"))
		}
	} else if text, err := Decode(data); err == nil {
		data = []byte(text)
	}
	z := html.NewTokenizer(bytes.NewReader(data))
	z.SetMaxBuf(maxTag)
	var p page
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if errors.Is(z.Err(), io.EOF) {
				return p.String(), nil
			}
			return "", ErrTooLarge
		case html.TextToken:
			p.text(string(z.Text()))
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			p.tag(atom.Lookup(name), kind)
		default: // comments and the like
		}
	}
}

// A page is what was read of one.
type page struct {
	strings.Builder
	hidden atom.Atom // the element whose text is not shown; 0: none
	pre    int
}

func (p *page) tag(a atom.Atom, kind html.TokenType) {
	open := kind == html.StartTagToken
	switch a {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg:
		if open && p.hidden == 0 {
			p.hidden = a
		} else if !open && p.hidden == a && kind == html.EndTagToken {
			p.hidden = 0
		}
	case atom.Pre:
		p.line("")
		if open {
			p.pre++
		} else {
			p.pre = max(0, p.pre-1)
		}
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		p.line("")
		if open {
			level := int(a.String()[1] - '0')
			p.line("\n" + strings.Repeat("#", level) + " ")
		}
	case atom.Li:
		if open {
			p.line("- ")
		}
	case atom.Td, atom.Th:
		if !open {
			p.WriteByte('\t')
		}
	case atom.P, atom.Div, atom.Br, atom.Tr, atom.Table, atom.Ul, atom.Ol, atom.Title, atom.Section, atom.Article,
		atom.Blockquote, atom.Header, atom.Footer, atom.Nav, atom.Main, atom.Hr, atom.Dt, atom.Dd, atom.Figcaption:
		p.line("")
	default:
	}
}

// line begins a new one, unless it has just begun.
func (p *page) line(prefix string) {
	if s := p.String(); s != "" && !strings.HasSuffix(s, "\n") {
		p.WriteByte('\n')
	}
	p.WriteString(prefix)
}

func (p *page) text(raw string) {
	if p.hidden != 0 {
		return
	}
	s := html.UnescapeString(raw)
	if p.pre > 0 {
		p.WriteString(s)
		return
	}
	words := strings.Join(strings.Fields(s), " ")
	if words == "" {
		if s != "" && !strings.HasSuffix(p.String(), "\n") && !strings.HasSuffix(p.String(), " ") {
			p.WriteByte(' ')
		}
		return
	}
	if strings.TrimLeft(s, " \t\r\n") != s && !strings.HasSuffix(p.String(), "\n") && !strings.HasSuffix(p.String(), " ") {
		p.WriteByte(' ')
	}
	p.WriteString(words)
	if strings.TrimRight(s, " \t\r\n") != s {
		p.WriteByte(' ')
	}
}
