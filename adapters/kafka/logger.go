package kafka

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A clientLog passes on what the client has to say from warnings up.
type clientLog struct{ log *slog.Logger }

// Level tells the client what is worth saying.
func (clientLog) Level() kgo.LogLevel { return kgo.LogLevelWarn }

// Log passes one line on.
func (c clientLog) Log(level kgo.LogLevel, text string, keyvals ...any) {
	at := slog.LevelWarn
	if level == kgo.LogLevelError {
		at = slog.LevelError
	}
	c.log.Log(context.Background(), at, "kafka client", append([]any{"what", text}, keyvals...)...)
}
