package domain

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strconv"
)

// NewFileEventID makes the ce_id of e, whose file was last folded at prev; a zero
// prev means never. It follows from what changed and from the state before it,
// so that an emission repeated after a crash has the id it would have had (I2),
// while a file that returns to a former state gets a new one.
//
// The form is pinned by a golden file: another one would announce everything
// again.
func NewFileEventID(e FileChanged, prev Revised) EventID {
	before := "-"
	if prev != (Revised{}) {
		before = strconv.FormatInt(prev.Run, 10) + "." + strconv.FormatInt(prev.Seq, 10)
	}
	version := e.Revision
	if e.Content != nil {
		version = e.Content.SHA256.String()
	}
	return EventID{name(e.SourceID, "event", e.FileID.String(), before, string(e.Change), version,
		string(e.RawPath()), attributesDigest(e.Attributes))}
}

// NewHintEventID makes the ce_id of a webhook hint: of its delivery id, where that is
// signed, else (delivery is empty) of the digest of its body, so that a delivery sent
// twice is one event.
func NewHintEventID(source SourceID, delivery string, body Digest) EventID {
	if delivery == "" {
		delivery = body.String()
	}
	return EventID{name(source, "hint", delivery)}
}

// NewIgnoredID names a delivery that means nothing to a source, or, with the zero
// one, is about nothing that is connected: as [NewHintEventID] it rests on what is
// signed, so that one that is sent again, under whatever id, has one name.
func NewIgnoredID(source SourceID, provider Provider, delivery string, body Digest) EventID {
	if delivery == "" {
		delivery = body.String()
	}
	return EventID{name(source, "ignored", string(provider), delivery)}
}

func attributesDigest(attributes map[string]string) string {
	var b []byte
	for _, k := range slices.Sorted(maps.Keys(attributes)) {
		b = appendJoined(b, []string{k, attributes[k], ""})
	}
	return Digest(sha256.Sum256(b)).String()
}
