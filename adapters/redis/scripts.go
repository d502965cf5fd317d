package redis

import (
	"context"
	_ "embed" // the scripts

	goredis "github.com/redis/go-redis/v9"
)

var (
	//go:embed scripts/lib.lua
	lib string
	//go:embed scripts/enqueue.lua
	enqueueText string
	//go:embed scripts/claim.lua
	claimText string
	//go:embed scripts/extend.lua
	extendText string
	//go:embed scripts/release.lua
	releaseText string
	//go:embed scripts/forget.lua
	forgetText string
	//go:embed scripts/reap.lua
	reapText string
	//go:embed scripts/epoch.lua
	epochText string
	//go:embed scripts/stats.lua
	statsText string
	//go:embed scripts/budget.lua
	budgetText string
	//go:embed scripts/budget_take.lua
	budgetTakeText string
	//go:embed scripts/budget_learn.lua
	budgetLearnText string
	//go:embed scripts/budget_block.lua
	budgetBlockText string
)

// scripts are the operations, each one atomic.
type scripts struct {
	enqueue, claim, extend, release, forget, reap, epoch, stats *goredis.Script
}

func loadScripts() scripts {
	load := func(text string) *goredis.Script { return goredis.NewScript(lib + text) }
	return scripts{
		enqueue: load(enqueueText), claim: load(claimText), extend: load(extendText),
		release: load(releaseText), forget: load(forgetText), reap: load(reapText), epoch: load(epochText), stats: load(statsText),
	}
}

// run does one operation. The server keeps the script; it is sent again only to
// one that has forgotten it.
func (q *Queue) run(ctx context.Context, s *goredis.Script, args ...any) *goredis.Cmd {
	return s.Run(ctx, q.rdb, []string{q.base}, args...)
}
