package github

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"strconv"
	"sync"
	"time"

	sdk "github.com/google/go-github/v89/github"

	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

var _ domain.SharedDeliveryLog = (*Connector)(nil)

const (
	appLogEvery = 5 * time.Minute // an app has one log, which all of its sources ask for
	appLogPages = 10              // of it that are read at once: what lies further back is left to the poll
)

// UndeliveredToAll implements domain.SharedDeliveryLog for what an app opens: an app
// has one webhook for all repositories that it is installed on. Its log is read once
// for all of them.
func (c *Connector) UndeliveredToAll(ctx context.Context, s domain.Scope, after string) (failed bool, next string, err error) {
	ss, err := c.prepare(ctx, s, rest.Incremental)
	if err != nil || ss.auth.app.id == "" { // the latter costs no call
		return false, after, err
	}
	if err := ss.recall(ctx); err != nil {
		return false, after, err
	}
	from, _ := strconv.ParseInt(after, 10, 64) // 0: all of them
	last, newest, err := c.logs.of(ss.auth.app, ss.place).lastFailed(ctx, c, ss)
	if err != nil {
		return false, after, err
	}
	return last > from, strconv.FormatInt(max(from, newest), 10), nil
}

// appLogs are what is known of the deliveries of apps, by place, app and key: who
// shows another key for an app is in nobody's way. They are in memory alone: a process
// that has just started reads what is kept.
type appLogs struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]*appLog
}

func (l *appLogs) of(a app, p place) *appLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := sha256.Sum256([]byte(p.api.String() + "\n" + a.id + "\n" + string(a.key)))
	if l.all == nil {
		l.all = map[[sha256.Size]byte]*appLog{}
	}
	if l.all[key] == nil {
		l.all[key] = &appLog{failed: map[int64]int64{}, told: map[int64]int64{}}
	}
	return l.all[key]
}

// An appLog is what is known of the deliveries of one app.
type appLog struct {
	mu     sync.Mutex // held while it is read, so that one reads for all
	read   time.Time
	newest int64           // id
	failed map[int64]int64 // the last one that failed, by repository
	told   map[int64]int64 // the last one that failed about an installation itself, by its id
}

// lastFailed is the last delivery about the repository of ss, or about the installation
// that opens it, that failed, 0: none, and the newest of all.
func (l *appLog) lastFailed(ctx context.Context, c *Connector, ss *session) (last, newest int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := c.clock.Now(); !now.Before(l.read.Add(appLogEvery)) {
		l.read = now // whatever comes of it: the next look is later
		if err := l.update(ctx, c, ss); err != nil {
			return 0, 0, err
		}
	}
	return max(l.failed[ss.repo.ID], l.told[ss.auth.installation]), l.newest, nil
}

// update reads what is newer than the newest that is known. Of those that were sent
// again the last one counts.
func (l *appLog) update(ctx context.Context, c *Connector, ss *session) error {
	api, err := c.asApp(ss.auth.app, ss.place)
	if err != nil {
		return err
	}
	newest, answered, failed, told := l.newest, map[string]bool{}, map[int64]int64{}, map[int64]int64{}
	o := sdk.ListCursorOptions{PerPage: maxPage}
	for range appLogPages {
		found, resp, err := api.Apps.ListHookDeliveries(rest.With(ctx, rest.Ask{Route: "deliveries", Priority: rest.Incremental}), &o)
		if err = classify("deliveries of the app", err); errors.Is(err, domain.ErrGone) {
			return nil // it has no webhook
		}
		if err != nil {
			return err
		}
		for _, d := range found { // the newest first
			if d.GetID() <= l.newest {
				resp.Cursor = ""
				break
			}
			newest = max(newest, d.GetID())
			ok := d.GetStatusCode() >= 200 && d.GetStatusCode() < 300
			if !ok && !answered[d.GetGUID()] {
				about, id := failed, d.GetRepositoryID()
				if id == 0 { // that it was suspended, or what it may do
					about, id = told, d.GetInstallationID()
				}
				about[id] = max(about[id], d.GetID())
			}
			answered[d.GetGUID()] = answered[d.GetGUID()] || ok
		}
		if o.Cursor = resp.Cursor; o.Cursor == "" {
			break
		}
	}
	l.newest = newest
	maps.Copy(l.failed, failed)
	maps.Copy(l.told, told)
	return nil
}
