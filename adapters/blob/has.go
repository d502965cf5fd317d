package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// Has tells whether a pack is in the store. A store that is missing as a whole, or
// cannot be reached, is an error: it has lost nothing.
func (s *Store) Has(ctx context.Context, pack string) (bool, error) {
	if checkName(pack) != nil {
		return false, nil
	}
	from, err := s.driver.open(ctx, pack, 0, 1)
	if err == nil {
		_ = from.Close() // nothing was read
		return true, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = s.driver.check(ctx)
	}
	if err != nil {
		return false, fmt.Errorf("blob: look for pack %q: %w", pack, err)
	}
	return false, nil
}
