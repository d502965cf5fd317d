package httpapi

import (
	"encoding/base64"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// formatCursor writes the place behind a file as callers send it back: version,
// id and raw path.
func formatCursor(k projections.FileKey) string {
	b := append([]byte{cursorVersion}, k.ID.UUID[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, k.Path...))
}

const cursorVersion = 1

// parseCursor reads what formatCursor wrote; "" is the start.
func parseCursor(text string) (projections.FileKey, error) {
	var k projections.FileKey
	if text == "" {
		return k, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) <= 1+len(k.ID.UUID) || b[0] != cursorVersion {
		return k, &domain.InvalidError{Field: "cursor", Problem: "is not one of ours", Allowed: "the value of next in an earlier answer"}
	}
	k.Path = b[1+copy(k.ID.UUID[:], b[1:]):]
	return k, nil
}
