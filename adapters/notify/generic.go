package notify

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/specialized/generic"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// postGeneric sends to a generic webhook what shoutrrr makes of its address and a
// message. It does not let shoutrrr send it, which follows every redirect to
// everywhere.
func (s *Sender) postGeneric(ctx context.Context, g *generic.Service, t ingest.NotifyTarget, m ingest.NotifyMessage) error {
	c := *g.Config
	body, err := g.GetPayload(&c, types.Params{c.TitleKey: m.Title, c.MessageKey: m.Text})
	if err != nil {
		return fmt.Errorf("notify: the template of a generic webhook is none: %w", domain.ErrForbidden)
	}
	req, err := http.NewRequestWithContext(ctx, c.RequestMethod, c.WebhookURL().String(), body)
	if err != nil {
		return fmt.Errorf("notify: %w", scrub(err))
	}
	if req.Header.Set("Content-Type", c.ContentType); c.Template == "" {
		req.Header.Set("Content-Type", "text/plain")
	}
	for name, value := range headersOf(string(t.URL)) {
		req.Header.Set(name, value)
	}
	return s.do(req)
}

// headersOf are the headers that the address of a generic webhook asks for: its
// query has them behind an @.
func headersOf(address string) map[string]string {
	headers := map[string]string{}
	u, err := url.Parse(address)
	if err != nil {
		return headers
	}
	for key, values := range u.Query() {
		if name, ok := strings.CutPrefix(key, "@"); ok && name != "" {
			headers[name] = values[0]
		}
	}
	return headers
}
