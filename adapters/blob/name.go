package blob

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

const packsFolder = "packs"

// checkName accepts packs/<source>/<run>-<run_id>/<n> in its one canonical
// spelling and nothing else, so that no name leaves the store and no two name
// one pack.
func checkName(name string) error {
	parts := strings.Split(name, "/")
	if len(parts) == 4 && parts[0] == packsFolder && isID(parts[1]) && isNumber(parts[3]) {
		run, id, ok := strings.Cut(parts[2], "-")
		if ok && isNumber(run) && isID(id) {
			return nil
		}
	}
	return fmt.Errorf("pack name %q is not of the form packs/<source>/<run>-<run_id>/<n>", name)
}

func isID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}

func isNumber(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && n >= 0 && strconv.FormatInt(n, 10) == s
}
