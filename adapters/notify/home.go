package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/googlechat"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/slack"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/teams"

	"github.com/confuse/data-connector/domain/ingest"
)

// slackAPI takes the messages of bots (https://docs.slack.dev/reference/methods/chat.postMessage).
const slackAPI = "https://slack.com/api/chat.postMessage"

// errNotTaken is an answer that says no.
var errNotTaken = errors.New("the service did not take it")

// postSlack sends what shoutrrr makes of a message, as shoutrrr does, which for a bot
// waits for the answer without an end. c is its own copy.
func postSlack(ctx context.Context, c slack.Config, m ingest.NotifyMessage) error {
	c.Title = m.Title
	header := http.Header{}
	to := slackAPI
	if !c.Token.IsAPIToken() {
		to = c.Token.WebhookURL()
	} else {
		header.Set("Authorization", c.Token.Authorization())
	}
	answer, err := postHome(ctx, to, header, slack.CreateJSONPayload(&c, m.Text))
	switch {
	case err != nil:
		return err
	case to != slackAPI:
		if text := string(answer); text != "ok" && text != "" {
			return errNotTaken
		}
		return nil
	}
	var said slack.APIResponse
	if err := json.Unmarshal(answer, &said); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if !said.Ok {
		return errNotTaken
	}
	return nil
}

// postGoogleChat sends a message, which there has no title.
func postGoogleChat(ctx context.Context, c *googlechat.Config, m ingest.NotifyMessage) error {
	to := c.GetURL()
	to.Scheme = "https"
	_, err := postHome(ctx, to.String(), http.Header{}, googlechat.JSON{Text: m.Title + "\n" + m.Text})
	return err
}

// postTeams sends a message card
// (https://learn.microsoft.com/outlook/actionable-messages/message-card-reference).
func postTeams(ctx context.Context, c *teams.Config, m ingest.NotifyMessage) error {
	to := teams.BuildWebhookURL(c.Host, c.Group, c.Tenant, c.AltID, c.GroupOwner, c.ExtraID)
	if err := teams.ValidateWebhookURL(to); err != nil {
		return fmt.Errorf("address: %w", err)
	}
	type section struct {
		Text string `json:"text"`
	}
	card := struct {
		Type     string    `json:"@type"`
		Context  string    `json:"@context"`
		Color    string    `json:"themeColor,omitempty"`
		Summary  string    `json:"summary"`
		Title    string    `json:"title"`
		Markdown bool      `json:"markdown"`
		Sections []section `json:"sections"`
	}{Type: "MessageCard", Context: "http://schema.org/extensions", Color: c.Color, Summary: m.Title, Title: m.Title, Markdown: true}
	for line := range strings.Lines(m.Text) {
		card.Sections = append(card.Sections, section{strings.TrimSuffix(line, "\n")})
	}
	_, err := postHome(ctx, to, http.Header{}, card)
	return err
}

// postHome posts JSON to a host that nobody chooses and gives the beginning of a
// successful answer.
func postHome(ctx context.Context, to string, header http.Header, body any) ([]byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("ask: %w", scrub(err))
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	resp, err := home(ctx).Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", scrub(err))
	}
	defer resp.Body.Close() //nolint:errcheck // what was read counts
	if resp.StatusCode/100 != 2 {
		return nil, errNotTaken
	}
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return answer, nil
}
