package notify

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/rocketchat"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/specialized/generic"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// atHome are services at hosts that nobody chooses.
func atHome() []string {
	return []string{"discord", "googlechat", "pushover", "slack", "teams"}
}

// hosted ones are wherever their address says. Others of shoutrrr are not taken:
// files and scripts; those that connect by themselves to a host of the address, and
// follow redirects from it (matrix, zulip); telegram, which says that it has sent
// what it could not. Most of them take a generic webhook.
func hosted() []string {
	return []string{"generic", "gotify", "mattermost", "ntfy", "pagerduty", "rocketchat", "smtp"}
}

// untitled ones show no title.
func untitled() []string { return []string{"googlechat", "mattermost", "pagerduty", "rocketchat"} }

// googleChat is the one host of its service, whose addresses name it.
const googleChat = "chat.googleapis.com"

// service reads the address of a service: an InvalidError names url. What it gives
// connects to nothing but what is allowed.
func (s *Sender) service(ctx context.Context, address domain.Secret) (types.Service, error) {
	u, err := url.Parse(string(address))
	if err != nil {
		return nil, &domain.InvalidError{Field: "url", Problem: "is no address", Allowed: "service://..., as shoutrrr has it"}
	}
	scheme := strings.ToLower(u.Scheme)
	switch {
	case !slices.Contains(atHome(), scheme) && !slices.Contains(hosted(), scheme):
		return nil, &domain.InvalidError{Field: "url", Problem: "names no service that is taken", Allowed: strings.Join(append(atHome(), hosted()...), ", ")}
	case scheme == "googlechat" && u.Host != googleChat:
		return nil, &domain.InvalidError{Field: "url", Problem: "names another host", Allowed: googleChat}
	case slices.Contains(hosted(), scheme) && u.Host != "":
		if _, err := s.Host(ctx, u.Hostname()); err != nil {
			return nil, &domain.InvalidError{Field: "url", Problem: "names a host that may not be reached", Allowed: "public hosts, and those of PRIVATE_NETWORKS"}
		}
	}
	made, err := (&router.ServiceRouter{}).Locate(string(address))
	if err != nil {
		return nil, &domain.InvalidError{Field: "url", Problem: "is not what " + scheme + " needs", Allowed: "see https://shoutrrr.nickfedor.com/services/overview"}
	}
	if slices.Contains(hosted(), scheme) && !guard(made, s.client()) {
		return nil, fmt.Errorf("notify: %s connects by itself: %w", scheme, domain.ErrForbidden)
	}
	return made, nil
}

// guard makes a service use client and reports whether that is possible.
func guard(made types.Service, client *http.Client) bool {
	switch made := made.(type) {
	case *generic.Service, *smtp.Service: // postGeneric and mail send what is theirs
	case *rocketchat.Service:
		made.Client = client
	case interface{ SetHTTPClient(client *http.Client) }:
		made.SetHTTPClient(client)
	case interface{ GetHTTPClient() *http.Client }:
		own := made.GetHTTPClient()
		own.Transport, own.CheckRedirect, own.Timeout = client.Transport, client.CheckRedirect, client.Timeout
	default:
		return false
	}
	return true
}

// shout sends through shoutrrr, which knows no context: what still runs when ctx
// ends goes on by itself, and nothing else is sent to that target meanwhile.
func (s *Sender) shout(ctx context.Context, t ingest.NotifyTarget, m ingest.NotifyMessage) error {
	made, err := s.service(ctx, t.URL)
	if err != nil {
		return err
	}
	switch made := made.(type) {
	case *generic.Service:
		return s.postGeneric(ctx, made, t, m)
	case *smtp.Service:
		return s.mail(ctx, made.Config.Clone(), m)
	}
	name := made.GetID()
	free, ok := s.take(t)
	if !ok {
		return fmt.Errorf("notify: %s has not answered the message before: %w", name, domain.ErrTransient)
	}
	params := types.Params{types.TitleKey: m.Title}
	if slices.Contains(untitled(), name) {
		params, m.Text = types.Params{}, m.Title+"\n"+m.Text
	}
	ended := make(chan error, 1)
	go func() {
		defer free()
		ended <- sendBy(made, m.Text, params)
	}()
	select {
	case <-ctx.Done():
		return fmt.Errorf("notify: %s does not answer: %w", name, ctx.Err())
	case err := <-ended:
		if err != nil { // it holds the address
			return fmt.Errorf("notify: %s did not take the message: %w", name, domain.ErrTransient)
		}
		return nil
	}
}

// sendBy is Send of a service, which is not ours: its panic is an error.
func sendBy(made types.Service, text string, params types.Params) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it panics: %v", r)
		}
	}()
	return made.Send(text, &params)
}

// take keeps a target for one message at a time.
func (s *Sender) take(t ingest.NotifyTarget) (free func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[t.URL] {
		return nil, false
	}
	if s.busy == nil {
		s.busy = make(map[domain.Secret]bool)
	}
	s.busy[t.URL] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.busy, t.URL)
	}, true
}
