package main

import (
	"context"
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/cmd/figures"
)

// anew deletes the topic, which the next start makes anew and has to stop at,
// loudly.
func anew(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	return c.loud(ctx, name, false, deleteTopic)
}

// gone deletes the topic under a running service, which has to stop loudly.
func gone(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	return c.loud(ctx, name, true, deleteTopic)
}

func deleteTopic(ctx context.Context, admin *kadm.Client, topic string) error {
	_, err := admin.DeleteTopic(ctx, topic)
	return err
}

// truncated deletes all records of the topic while the service is away, and more
// than it has folded is gone: the next start has to stop loudly.
func truncated(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	return c.loud(ctx, name, false, func(ctx context.Context, admin *kadm.Client, topic string) error {
		ends, err := admin.ListEndOffsets(ctx, topic)
		if err != nil {
			return err
		}
		_, err = admin.DeleteRecords(ctx, ends.Offsets())
		return err
	})
}

// loud damages the log of a service, while it runs or while it is away, and looks
// whether it, or the next start, says so and ends.
func (c *chaos) loud(ctx context.Context, name string, runs bool, damage func(context.Context, *kadm.Client, string) error) (lines []figures.Line, err error) {
	s, err := c.newScene(ctx, c.servers, min(c.files, 1000))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	p, err := s.start(ctx, "")
	if err == nil {
		err = s.connect(ctx, p)
	}
	if err == nil {
		err = s.finish(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(c.servers.Brokers...))
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	if !runs {
		p.Kill()
	}
	if err := damage(ctx, admin, s.corner.Layout(0).Events()); err != nil {
		return nil, err
	}
	if !runs {
		if p, err = s.launch(ctx, ""); err != nil {
			return nil, err
		}
	}
	ended := false
	select {
	case <-p.Ended:
		ended = true
	case <-c.clock.After(pointTime):
	}
	stopped := 0
	if ended && strings.Contains(p.Said(), "the log lost records") {
		stopped = 1
	} else {
		c.log.WarnContext(ctx, "no loud stop", "fault", name, "log", p.Said())
	}
	return []figures.Line{figures.Exactly(name+"_loud_stops", "stops", float64(stopped), 1)}, nil
}
