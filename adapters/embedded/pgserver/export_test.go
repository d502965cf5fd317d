package pgserver

import "context"

// Fetch gives fetched binaries, whatever the machine has.
func Fetch(ctx context.Context, o Options) (string, error) {
	as, err := accountFor(o.Dir)
	if err != nil {
		return "", err
	}
	return fetch(ctx, o, search{as: as})
}
