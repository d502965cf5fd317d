package figures

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// PrintTable shows lines to people. What cannot be written is not told: the JSON
// lines came before.
func PrintTable(w io.Writer, lines []Line) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nFIGURE\tVALUE\tREFERENCE\tRATIO\tTARGET\tOK")
	for _, l := range lines {
		_, _ = fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\t%s\t%s\n", l.Name, number(l.Value), l.Unit, optional(l.Reference), optional(l.Ratio), orDash(l.Target), verdict(l))
	}
	_ = t.Flush()
}

// Markdown is a table of lines for a page of documentation.
func Markdown(lines []Line) string {
	var t strings.Builder
	t.WriteString("| figure | value | reference | ratio | target | met |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, l := range lines {
		_, _ = fmt.Fprintf(&t, "| %s | %s %s | %s | %s | %s | %s |\n", l.Name, number(l.Value), l.Unit, optional(l.Reference), optional(l.Ratio), orDash(l.Target), verdict(l)) // to memory
	}
	return t.String()
}

// number has three digits that mean something.
func number(v float64) string {
	if v >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func optional(v *float64) string {
	if v == nil {
		return "-"
	}
	return number(*v)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func verdict(l Line) string {
	switch {
	case l.Target == "":
		return "-"
	case l.OK:
		return "yes"
	}
	return "NO"
}
