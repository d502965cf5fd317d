package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

func (c *command) sourceAdd() *cobra.Command {
	var at where
	var name string
	var asJSON, wait bool
	cmd := &cobra.Command{
		Use:   "add TYPE key=value...",
		Short: "Connect a source and order its first sync",
		Long: `Connects a source and orders its first sync. TYPE is the connector, key=value are
its options. A value that is a JSON array, number or boolean is taken as such, all
else is text; text that looks like those goes in double quotes.

The exit code is 3 when the source is connected already.`,
		Example: `  data-connector source add localfs rootPath=/srv/docs
  data-connector source add localfs rootPath=/srv/docs 'includePaths=["**/*.md"]' maxFileSize=0 --wait`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := options(args[1:])
			if err != nil {
				return err
			}
			cl, err := c.client(at)
			if err != nil {
				return err
			}
			var reply struct {
				sourceReply
				SyncJob jobReply
			}
			body := map[string]any{"type": args[0], "config": config}
			if name != "" {
				body["name"] = name
			}
			raw, err := cl.post(cmd.Context(), "/sources", body, &reply)
			if err != nil {
				return connectedAlready(err)
			}
			if wait {
				if err := c.waitForJob(cmd.Context(), cl, reply.SyncJob.ID); err != nil {
					return err
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "connected %q as source %s, first sync is job %s\n", oneLine(reply.Name), reply.ID, reply.SyncJob.ID)
			return err
		},
	}
	at.flagURL(cmd)
	cmd.Flags().StringVar(&name, "name", "", "name for people")
	flagJSON(cmd, &asJSON)
	flagWait(cmd, &wait)
	return cmd
}

// connectedAlready says what can be done with a source that is there; all else is
// err as it is.
func connectedAlready(err error) error {
	var reply *apiError
	var details struct{ SourceID string }
	if !errors.As(err, &reply) || reply.Status != http.StatusConflict || json.Unmarshal(reply.Details, &details) != nil || details.SourceID == "" {
		return err
	}
	reply.Details = nil
	return fmt.Errorf("%w; to look for changes: data-connector source sync %s", err, details.SourceID)
}

// options reads key=value pairs.
func options(pairs []string) (map[string]json.RawMessage, error) {
	config := map[string]json.RawMessage{}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, usage("%q is not of the form key=value", pair)
		}
		if _, twice := config[key]; twice {
			return nil, usage("option %s is given twice", key)
		}
		raw, err := optionValue(value)
		if err != nil {
			return nil, err
		}
		config[key] = raw
	}
	return config, nil
}

// optionValue is value as it is where it is a JSON array, number, boolean or
// string, else a JSON string of it.
func optionValue(value string) (json.RawMessage, error) {
	raw := bytes.TrimSpace([]byte(value))
	if json.Valid(raw) && len(raw) > 0 && raw[0] != '{' && string(raw) != "null" {
		return raw, nil
	}
	return json.Marshal(value)
}
