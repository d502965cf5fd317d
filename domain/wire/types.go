package wire

import (
	"strconv"
	"strings"
)

// Names of the events, without a version.
const (
	typePrefix        = "confuse."
	nameSourceChanged = "SourceChanged"
	nameFileChanged   = "FileChanged"
	nameStageReported = "StageReported"
)

// parseType splits "confuse.FileChanged.v1.2" into FileChanged, 1, 2. The name is
// empty when it is none of ours; ok is false when a name of ours has no version.
func parseType(s string) (name string, major, minor int, ok bool) {
	rest, ours := strings.CutPrefix(s, typePrefix)
	name, version, _ := strings.Cut(rest, ".")
	switch name {
	case nameSourceChanged, nameFileChanged, nameStageReported:
	default:
		ours = false
	}
	if !ours {
		return "", 0, 0, true
	}
	first, second, hasMinor := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	major, err := strconv.Atoi(first)
	if err != nil || major < 1 || !strings.HasPrefix(version, "v") {
		return name, 0, 0, false
	}
	if hasMinor {
		if minor, err = strconv.Atoi(second); err != nil || minor < 0 {
			return name, 0, 0, false
		}
	}
	return name, major, minor, true
}
