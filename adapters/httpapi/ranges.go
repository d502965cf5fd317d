package httpapi

import (
	"net/http"
	"strconv"
	"strings"
)

// A section is what of a content is sent.
type section struct {
	start, length int64 // bytes
	size          int64 // of the whole content
	partial       bool  // sent as 206
}

// parseRange reads a Range header (RFC 9110, section 14). Whatever is not one
// range of bytes is ignored, as the RFC allows. The error is the answer to a
// range that lies outside.
func parseRange(header string, size int64) (section, error) {
	whole := section{length: size, size: size}
	unit, spec, _ := strings.Cut(header, "=")
	from, to, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !strings.EqualFold(unit, "bytes") || !ok || strings.Contains(spec, ",") {
		return whole, nil
	}
	first, last, ok := boundsOf(from, to, size)
	if !ok {
		return whole, nil
	}
	if first >= size || last < first {
		e := invalid(http.StatusRequestedRangeNotSatisfiable, "RANGE_NOT_SATISFIABLE",
			fieldProblem{Field: "Range", Problem: "lies outside of the content", Allowed: "a range within its " + strconv.FormatInt(size, 10) + " bytes"})
		e.headers.Set("Content-Range", "bytes */"+strconv.FormatInt(size, 10))
		return whole, e
	}
	return section{start: first, length: last - first + 1, size: size, partial: true}, nil
}

// boundsOf are the first and last byte; ok is false for what is no range.
func boundsOf(from, to string, size int64) (first, last int64, ok bool) {
	if from == "" {
		n, ok := digits(to)
		if n == 0 {
			return size, size, ok // the last 0 bytes: nothing can satisfy it
		}
		return max(0, size-n), size - 1, ok
	}
	first, ok = digits(from)
	if !ok || to == "" {
		return first, size - 1, ok
	}
	last, ok = digits(to)
	if last < first {
		return 0, 0, false
	}
	return first, min(last, size-1), ok
}

func digits(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}

// matches reports whether an If-None-Match header names tag; weak tags count.
func matches(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == tag || candidate == "*" {
			return true
		}
	}
	return false
}
