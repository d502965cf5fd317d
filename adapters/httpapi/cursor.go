package httpapi

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// formatCursor writes the place behind a file as callers send it back: version,
// id and raw path.
func formatCursor(k projections.FileKey) string {
	b := append([]byte{cursorVersion}, k.ID.UUID[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, k.Path...))
}

// The first bytes of cursors: of files and of hints.
const (
	cursorVersion     = 1
	hintCursorVersion = 129
)

// parseCursor reads what formatCursor wrote; "" is the start.
func parseCursor(text string) (projections.FileKey, error) {
	var k projections.FileKey
	if text == "" {
		return k, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) <= 1+len(k.ID.UUID) || b[0] != cursorVersion {
		return k, notOurCursor()
	}
	k.Path = b[1+copy(k.ID.UUID[:], b[1:]):]
	return k, nil
}

// formatHintCursor writes the place behind a hint: version, microseconds and id.
func formatHintCursor(k projections.HintKey) string {
	b := binary.BigEndian.AppendUint64([]byte{hintCursorVersion}, uint64(k.At.UnixMicro())) //nolint:gosec // the bits are read back as they are
	return base64.RawURLEncoding.EncodeToString(append(b, k.ID.UUID[:]...))
}

// parseHintCursor reads what formatHintCursor wrote; "" is the start, nil.
func parseHintCursor(text string) (*projections.HintKey, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nil is the start
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	k := &projections.HintKey{}
	if err != nil || len(b) != 1+8+len(k.ID.UUID) || b[0] != hintCursorVersion {
		return nil, notOurCursor()
	}
	k.At = time.UnixMicro(int64(binary.BigEndian.Uint64(b[1:9]))).UTC() //nolint:gosec // the same bits
	copy(k.ID.UUID[:], b[9:])
	return k, nil
}

func notOurCursor() error {
	return &domain.InvalidError{Field: "cursor", Problem: "is not one of ours", Allowed: "the value of next in an earlier answer"}
}
