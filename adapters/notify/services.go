package notify

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/discord"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/googlechat"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/rocketchat"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/slack"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/teams"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/pushover"
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
func untitled() []string { return []string{"mattermost", "pagerduty", "rocketchat"} }

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
	client := home(ctx)
	if slices.Contains(hosted(), scheme) {
		client = s.client(ctx)
	}
	if !guard(ctx, made, client) {
		return nil, fmt.Errorf("notify: %s connects by itself: %w", scheme, domain.ErrForbidden)
	}
	return made, nil
}

// guard makes a service use client, and wait no longer than ctx, and reports whether
// that is possible.
func guard(ctx context.Context, made types.Service, client *http.Client) bool {
	switch made := made.(type) {
	case *generic.Service, *smtp.Service, *slack.Service, *googlechat.Service, *teams.Service: // sent by this package
	case *discord.Service:
		made.HTTPClient, made.Sleeper = client, rest{ctx}
	case *pushover.Service:
		made.Client = client
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

// shout sends through shoutrrr, or what shoutrrr makes of an address and a message
// where it would send that by a client of its own.
func (s *Sender) shout(ctx context.Context, t ingest.NotifyTarget, m ingest.NotifyMessage) error {
	made, err := s.service(ctx, t.URL)
	if err != nil {
		return err
	}
	name := made.GetID()
	switch made := made.(type) {
	case *generic.Service:
		return s.postGeneric(ctx, made, t, m)
	case *smtp.Service:
		return s.mail(ctx, made.Config.Clone(), t, m)
	case *slack.Service:
		err = postSlack(ctx, *made.Config, m)
	case *googlechat.Service:
		err = postGoogleChat(ctx, made.Config, m)
	case *teams.Service:
		err = postTeams(ctx, made.Config, m)
	default:
		params := types.Params{types.TitleKey: m.Title}
		if slices.Contains(untitled(), name) {
			params, m.Text = types.Params{}, m.Title+"\n"+m.Text
		}
		err = sendBy(made, m.Text, params)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("notify: %s does not answer: %w", name, ctx.Err())
	default: // it holds the address
		return fmt.Errorf("notify: %s did not take the message: %w", name, domain.ErrTransient)
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
