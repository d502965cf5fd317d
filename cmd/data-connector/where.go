package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/confuse/data-connector/adapters/embedded"
)

// defaultData is the data folder unless another one is given.
const defaultData = ".data"

// A where is how a verb finds the service, or its servers.
type where struct {
	data string // --data; empty: not given
	url  string // --url
}

func (w *where) flagData(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.data, "data", "", "data folder of the standalone to ask (default: what the environment names, else "+defaultData+")")
}

func (w *where) flagURL(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.url, "url", "", "URL of the service to ask (default: DATA_CONNECTOR_URL, else the standalone on the data folder)")
	w.flagData(cmd)
}

// servers is the config with the variables needed: those of the data folder that
// was named, else of the environment, else of the default data folder.
func (c *command) servers(w where, needed ...string) (config, error) {
	cfg, err := loadConfig(c.environ)
	if err != nil {
		return config{}, fmt.Errorf("configuration:\n%w", err)
	}
	missing := cfg.require(needed...)
	if w.data == "" && missing == nil {
		return cfg, nil
	}
	run, err := embedded.ReadRunInfo(cmp.Or(w.data, defaultData))
	if errors.Is(err, embedded.ErrNotRunning) && w.data == "" {
		return config{}, fmt.Errorf("configuration (and no standalone runs on %s):\n%w", defaultData, missing)
	}
	if err != nil {
		return config{}, err
	}
	return cfg.on(run), nil
}

// on is c with the servers of a standalone.
func (c config) on(run embedded.RunInfo) config {
	c.KafkaServers, c.KafkaSecurity = run.KafkaBootstrap, "PLAINTEXT"
	c.DatabaseURL, c.RedisURL = address(run.DatabaseURL), address(run.RedisURL)
	return c
}

// client is how to ask the service: at the data folder or URL that was named,
// else at the URL of the environment, else at the default data folder.
func (c *command) client(w where) (*client, error) {
	cfg, err := loadConfig(c.environ)
	if err != nil {
		return nil, fmt.Errorf("configuration:\n%w", err)
	}
	if w.url != "" && w.data != "" {
		return nil, usage("--url and --data name two services; give one of them")
	}
	if at := cmp.Or(w.url, cfg.URL); at != "" && w.data == "" {
		return newClient(at, string(cfg.APIKey), c.clock), nil
	}
	run, err := embedded.ReadRunInfo(cmp.Or(w.data, defaultData))
	if errors.Is(err, embedded.ErrNotRunning) {
		return nil, fmt.Errorf("%w; start one (data-connector standalone), or name a service with --url or DATA_CONNECTOR_URL", err)
	}
	if err != nil {
		return nil, err
	}
	return newClient(run.URL, cmp.Or(run.APIKey, string(cfg.APIKey)), c.clock), nil
}
