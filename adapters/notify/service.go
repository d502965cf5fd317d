package notify

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// atHome are services at hosts that nobody chooses; hosted ones are wherever their
// address says. Others of shoutrrr (files, scripts, plain HTTP) are not taken.
func atHome() []string {
	return []string{"discord", "googlechat", "ifttt", "join", "pagerduty", "pushbullet", "pushover", "slack", "teams", "telegram"}
}

func hosted() []string {
	return []string{"gotify", "matrix", "mattermost", "ntfy", "rocketchat", "smtp", "zulip"}
}

func (s *Sender) checkService(ctx context.Context, t ingest.NotifyTarget) error {
	u, err := url.Parse(string(t.URL))
	if err != nil {
		return &domain.InvalidError{Field: "url", Problem: "is no address", Allowed: "service://..., as shoutrrr has it"}
	}
	scheme := strings.ToLower(u.Scheme)
	if !slices.Contains(atHome(), scheme) && !slices.Contains(hosted(), scheme) {
		return &domain.InvalidError{Field: "url", Problem: "names no service that is taken", Allowed: strings.Join(append(atHome(), hosted()...), ", ")}
	}
	var hosts []string
	if slices.Contains(hosted(), scheme) {
		hosts = append(hosts, u.Hostname())
	}
	for name, values := range u.Query() {
		if strings.EqualFold(name, "host") {
			hosts = append(hosts, values...)
		}
	}
	for _, host := range hosts {
		if err := s.Host(ctx, host); err != nil {
			return &domain.InvalidError{Field: "url", Problem: "names a host that may not be reached", Allowed: "public hosts, and those of PRIVATE_NETWORKS"}
		}
	}
	if _, err := router.New(nil, string(t.URL)); err != nil {
		return &domain.InvalidError{Field: "url", Problem: "is not what " + scheme + " needs", Allowed: "see https://shoutrrr.nickfedor.com/services/overview"}
	}
	return nil
}

// shout sends through shoutrrr, which knows no context: what still runs when ctx
// ends goes on by itself.
func (s *Sender) shout(ctx context.Context, t ingest.NotifyTarget, m ingest.NotifyMessage) error {
	scheme, _, _ := strings.Cut(string(t.URL), ":")
	r, err := router.New(nil, string(t.URL))
	if err != nil {
		return fmt.Errorf("notify: the address of %s cannot be read: %w", scheme, domain.ErrForbidden)
	}
	params := types.Params{"title": m.Title}
	ended := make(chan []error, 1)
	go func() { ended <- r.Send(m.Title+"\n"+m.Text, &params) }()
	select {
	case <-ctx.Done():
		return fmt.Errorf("notify: %s does not answer: %w", scheme, ctx.Err())
	case errs := <-ended:
		for _, err := range errs {
			if err != nil { // it holds the address
				return fmt.Errorf("notify: %s did not take the message: %w", scheme, domain.ErrTransient)
			}
		}
		return nil
	}
}
