package main

import (
	"context"

	"github.com/confuse/data-connector/cmd/figures"
)

// truthPushes is how many pushes the long form of TestForgeTruth makes.
const truthPushes = 200

// forgeTruth pushes the Go source tree and 200 changes of all kinds through the
// smart-HTTP server, each with a signed webhook.
func forgeTruth(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	passed, err := c.proofs(ctx, "TestForgeTruth/push", "LONG=1")
	return []figures.Line{figures.Exactly(name+"_exact", "pushes", float64(passed), truthPushes)}, err
}

// secretsKept lets sources with tokens live through what may happen to them, and
// looks for their secrets wherever the service writes.
func secretsKept(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	kept := 0
	for _, test := range []string{"TestForgeLife", "TestForgeApp", "TestForges/"} {
		passed, err := c.proofs(ctx, test)
		if err != nil {
			return nil, err
		}
		kept += passed
	}
	return []figures.Line{figures.Exactly(name+"_kept", "services", float64(kept), secretsTried)}, nil
}

// secretsTried is how many services are searched: two with GitHub, two with GitLab,
// two with Bitbucket.
const secretsTried = 6
