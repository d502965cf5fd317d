package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
)

// ErrNotRunning says that no process holds the data folder, or that the one that
// does has not written its RunInfo yet.
var ErrNotRunning = errors.New("not running")

const runName = "run.json"

// A RunInfo tells the commands on this machine how to reach the process that
// holds a data folder. It holds secrets: its file is for its owner alone.
type RunInfo struct {
	URL            string   `json:"url"`    // of the API
	APIKey         string   `json:"apiKey"` // empty when the API asks for none
	PID            int      `json:"pid"`
	KafkaBootstrap []string `json:"kafkaBootstrap"`
	DatabaseURL    string   `json:"databaseUrl"`
	RedisURL       string   `json:"redisUrl"`
}

// String hides the secrets.
func (r RunInfo) String() string { return fmt.Sprintf("{%s pid %d [hidden]}", r.URL, r.PID) }

// LogValue hides the secrets.
func (r RunInfo) LogValue() slog.Value { return slog.StringValue(r.String()) }

// WriteRunInfo puts r into dir, whole or not at all, with mode 0600. Only the
// process that holds dir may call it; its Close removes the file.
func WriteRunInfo(dir string, r RunInfo) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("embedded: run info: %w", err)
	}
	if err := writeFile(filepath.Join(dir, runName), append(raw, '\n')); err != nil {
		return fmt.Errorf("embedded: run info: %w", err)
	}
	return nil
}

// ReadRunInfo gives what the process that holds dir has written.
//
// ErrNotRunning: there is none now; what a killed process left is not given.
func ReadRunInfo(dir string) (RunInfo, error) {
	running, err := held(dir)
	if err != nil {
		return RunInfo{}, fmt.Errorf("embedded: run info: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, runName))
	if !running || errors.Is(err, os.ErrNotExist) {
		return RunInfo{}, fmt.Errorf("embedded: data folder %q: %w", dir, ErrNotRunning)
	}
	if err != nil {
		return RunInfo{}, fmt.Errorf("embedded: run info: %w", err)
	}
	var r RunInfo
	if err := json.Unmarshal(raw, &r); err != nil {
		return RunInfo{}, fmt.Errorf("embedded: run info in %q: %w", dir, err)
	}
	return r, nil
}

func removeRunInfo(dir string) error {
	if err := os.Remove(filepath.Join(dir, runName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the run info: %w", err)
	}
	return nil
}
