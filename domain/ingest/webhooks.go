package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/confuse/data-connector/domain"
)

// How long each step of taking a delivery may last. Together they stay below the
// ten seconds that GitHub, GitLab and Bitbucket wait.
const (
	logPatience   = 3 * time.Second
	inboxPatience = 3 * time.Second
	marksPatience = 500 * time.Millisecond
)

// maxRefs is how many refs of a delivery are kept for people.
const maxRefs = 20

// Webhooks takes deliveries of providers. What it answers with nil is durable (I5):
// each source that the delivery is about has its hint on the log or in the inbox.
// It may be used concurrently.
type Webhooks struct {
	Log        domain.Log // for hints and commands
	Index      domain.Index
	Objects    Objects
	Installed  Installed
	Hooks      HookTable // nil: no source has an address of its own
	Marks      Marks
	Inbox      Inbox
	Idle       IdleDeliveries
	Clock      domain.Clock
	Connectors Connectors
	// Secrets are those of the addresses that all sources of a provider share; none:
	// it takes nothing there.
	Secrets map[domain.Provider][]domain.Secret
	Logger  *slog.Logger

	gate gate
}

// An Arrival is a delivery as it comes in.
type Arrival struct {
	Provider string // or an alias
	Key      string // last part of the address; empty: the address that all sources share
	Header   http.Header
	Body     []byte
	// Relayed: a trusted gateway hands it on, which has verified nothing but may have
	// changed the bytes. Its signature need not fit.
	Relayed bool
}

// A Taken is what came of a delivery.
type Taken struct {
	Hints    int          // made durable now
	Repeated int          // that are durable since an earlier delivery
	Ignored  string       // why it means nothing, for people; empty: it means something
	Job      domain.JobID // that will look after it, if it is about one source; a guess while that job is not open
}

// errRefused is the one answer to all that is not to be told apart.
var errRefused = fmt.Errorf("the delivery is not from this provider: %w", domain.ErrUnauthorized)

// Takes reports whether deliveries of a provider are taken at all.
func (w *Webhooks) Takes(provider string) bool {
	_, _, ok := w.parser(provider)
	return ok
}

func (w *Webhooks) parser(provider string) (domain.Provider, domain.WebhookParser, bool) {
	conn, ok := w.Connectors.Find(provider)
	if !ok {
		return "", nil, false
	}
	parser, ok := conn.(domain.WebhookParser)
	return conn.Describe().Provider, parser, ok
}

// Take verifies a delivery and makes its hints durable.
//
// ErrUnauthorized: unknown address, removed source, no secret, or none that fits;
// they are not told apart. InvalidError: verified, but no delivery of this
// provider. ErrUnavailable: not all of its hints are durable; the same delivery
// sent again finishes it.
func (w *Webhooks) Take(ctx context.Context, a Arrival) (Taken, error) {
	provider, parser, ok := w.parser(a.Provider)
	if !ok {
		return Taken{}, errRefused
	}
	hook, secrets, err := w.addressed(ctx, provider, a.Key)
	if err != nil {
		return Taken{}, err
	}
	if err := verified(parser, a, secrets, w.Clock.Now()); err != nil {
		return Taken{}, err
	}
	d, err := parser.Parse(a.Header, a.Body)
	if err != nil {
		return Taken{}, err
	}
	sources, err := w.about(ctx, provider, hook, d)
	switch {
	case err != nil && d.Ignored == "":
		return Taken{}, err
	case err != nil: // whose it is is not known, and who sent it need not care
		w.Logger.WarnContext(ctx, "a delivery without an effect is not noted", "provider", provider, "err", err)
		return Taken{Ignored: d.Ignored}, nil
	case len(sources) == 0:
		d.Ignored = cmp.Or(d.Ignored, "it is about nothing that is connected here")
	}
	body := domain.Digest(sha256.Sum256(a.Body))
	if d.Ignored != "" {
		w.Logger.DebugContext(ctx, "webhook ignored", "provider", provider, "event", d.Event, "reason", d.Ignored)
		w.ignore(context.WithoutCancel(ctx), provider, hook, sources, d, body)
		return Taken{Ignored: d.Ignored}, nil
	}
	return w.hint(ctx, sources, d, body)
}

// addressed is the row of the source that key names, and the secrets of the
// address. Who knows no address costs what a known one costs: the same reads, and
// the same secrets to be verified against, which then nobody has.
func (w *Webhooks) addressed(ctx context.Context, provider domain.Provider, key string) (*SourceHook, []domain.Secret, error) {
	if key == "" {
		return nil, padded(w.Secrets[provider]), nil
	}
	if w.Hooks == nil {
		return nil, padded(nil), nil
	}
	h, err := w.Hooks.ByKey(ctx, provider, key)
	unknown := errors.Is(err, domain.ErrSourceNotFound)
	if err != nil && !unknown {
		return nil, nil, fmt.Errorf("find the address: %w", errors.Join(domain.ErrUnavailable, err))
	}
	src, err := w.Index.Source(ctx, h.Source) // of an unknown address: none
	switch {
	case unknown || errors.Is(err, domain.ErrSourceNotFound) || err == nil && (src.Removing || src.Removed):
		return nil, padded(nil), nil
	case err != nil:
		return nil, nil, fmt.Errorf("find the source: %w", errors.Join(domain.ErrUnavailable, err))
	}
	return &h, padded(h.Active(w.Clock.Now())), nil
}

// usualSecrets is how many an address has while one replaces the other. Each is
// verified against, so it has as many when there is but one, or none.
const usualSecrets = 2

// padded is secrets without empty ones, and with some that nobody has.
func padded(secrets []domain.Secret) []domain.Secret {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s domain.Secret) bool { return s == "" })
	for len(secrets) < usualSecrets {
		secrets = append(secrets, domain.Secret(random(32)))
	}
	return secrets
}

// verified is errRefused unless the delivery is signed, or relayed to the address
// that all share.
func verified(parser domain.WebhookParser, a Arrival, secrets []domain.Secret, now time.Time) error {
	err := parser.Verify(a.Header, a.Body, secrets, now)
	if err == nil || a.Relayed && a.Key == "" {
		return nil
	}
	return errRefused
}

// A told is a source with what a delivery tells of it.
type told struct {
	domain.Source
	refs   []string
	access bool // it is given again, or more of it
}

// about are the sources that d is about, each once, also when it means nothing to
// them, which is not worth waiting long for. At the address of one source only that
// one is.
func (w *Webhooks) about(ctx context.Context, provider domain.Provider, hook *SourceHook, d domain.Delivery) ([]told, error) {
	var all hearing
	notices := d.Notices
	if d.Ignored != "" {
		notices = []domain.Notice{{ExternalKey: d.About}}
		limited, cancel := context.WithTimeout(ctx, idlePatience)
		defer cancel()
		ctx = limited
	}
	for _, n := range notices {
		for src, err := range w.sources(ctx, provider, hook, n) {
			switch {
			case err != nil:
				return nil, fmt.Errorf("find the sources: %w", errors.Join(domain.ErrUnavailable, err))
			case src.Removing || src.Removed || !means(n, src):
				continue
			}
			all = all.tell(src, n)
		}
	}
	return all.sources, nil
}

// means reports whether n, which came to an address of src, is about src.
func means(n domain.Notice, src domain.Source) bool {
	if n.Installation != (domain.Installation{}) {
		return n.Installation.Opens(src)
	}
	return n.ExternalKey == "" || n.ExternalKey == src.ExternalKey
}

// sources are those that a notice may be about: at the address of one source that
// one, at the address of all those that have what it names.
func (w *Webhooks) sources(ctx context.Context, provider domain.Provider, hook *SourceHook, n domain.Notice) iter.Seq2[domain.Source, error] {
	if hook == nil && n.Installation != (domain.Installation{}) {
		return w.Installed.InstalledSources(ctx, provider, n.Installation.ID)
	}
	return func(yield func(domain.Source, error) bool) {
		var ids []domain.SourceID
		var err error
		switch {
		case hook != nil:
			ids = []domain.SourceID{hook.Source}
		case n.ExternalKey != "":
			ids, err = w.Objects.SourcesOf(ctx, provider, n.ExternalKey)
		}
		if err != nil {
			yield(domain.Source{}, err)
			return
		}
		for _, id := range ids {
			src, err := w.Index.Source(ctx, id)
			if errors.Is(err, domain.ErrSourceNotFound) {
				continue
			}
			if !yield(src, err) {
				return
			}
		}
	}
}

// A hearing is the sources that a delivery is about, each once.
type hearing struct {
	sources []told
	at      map[domain.SourceID]int
}

// tell adds what n says to what is told of src, of which nothing large is kept: an
// installation may open thousands.
func (h hearing) tell(src domain.Source, n domain.Notice) hearing {
	i, known := h.at[src.ID]
	if !known {
		if h.at == nil {
			h.at = map[domain.SourceID]int{}
		}
		src.Config, src.Cursor, src.Metadata, src.Lost = nil, nil, nil, nil
		i, h.at[src.ID] = len(h.sources), len(h.sources)
		h.sources = append(h.sources, told{Source: src})
	}
	s := &h.sources[i]
	s.access = s.access || n.Access
	for _, ref := range n.Refs {
		if ref = shortText(domain.Clean(ref)); len(s.refs) < maxRefs && !slices.Contains(s.refs, ref) {
			s.refs = append(s.refs, ref)
		}
	}
	return h
}
