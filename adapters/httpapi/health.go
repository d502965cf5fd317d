package httpapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// A Check looks whether something the service needs is there.
type Check struct {
	Name      string // "database" and "redis" have their own place in the reply
	Essential bool   // without it the service is not ready
	Run       func(ctx context.Context) error
}

// checkTime is what a check may take before it counts as failed.
const checkTime = 2 * time.Second

func (s *Server) healthRoutes() {
	register(s, huma.Operation{
		OperationID: "health", Method: http.MethodGet, Path: "/health", Tags: []string{"operation"}, Metadata: marked(markOpen),
		Summary: "Tell how the service does", Description: "200 while all that is essential answers (healthy, or degraded when something else does not), else 503 (unhealthy).",
	}, s.health)
	register(s, huma.Operation{
		OperationID: "livez", Method: http.MethodGet, Path: "/livez", Tags: []string{"operation"}, Metadata: marked(markOpen),
		Summary: "Tell that the process answers", Description: "Looks at nothing else: restart it when this fails.",
	}, s.livez)
	register(s, huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: "/readyz", Tags: []string{"operation"}, Metadata: marked(markOpen),
		Summary: "Tell whether to send requests here", Description: "503 while something essential does not answer.",
	}, s.readyz)
}

type healthOutput struct {
	Status int
	Body   healthReply
}

type healthReply struct {
	Status   string            `json:"status" enum:"healthy,degraded,unhealthy"`
	Version  string            `json:"version"`
	Database string            `json:"database" enum:"healthy,unhealthy,unknown"`
	Redis    string            `json:"redis" enum:"healthy,unhealthy,unknown"`
	Services map[string]string `json:"services" doc:"Everything else that is looked at: healthy or unhealthy. The log of the service says why."`
}

const (
	healthy   = "healthy"
	degraded  = "degraded"
	unhealthy = "unhealthy"
	unknown   = "unknown"
)

// health handles GET /health.
func (s *Server) health(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	status, states := s.check(ctx)
	reply := healthReply{Status: status, Version: s.Version, Database: unknown, Redis: unknown, Services: map[string]string{}}
	for name, state := range states {
		switch name {
		case "database":
			reply.Database = state
		case "redis":
			reply.Redis = state
		default:
			reply.Services[name] = state
		}
	}
	return &healthOutput{Status: statusOfHealth(status), Body: reply}, nil
}

// check runs all checks at once and tells the state of each.
func (s *Server) check(ctx context.Context) (status string, states map[string]string) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	errs := make([]error, len(s.Checks))
	var running sync.WaitGroup
	for i, c := range s.Checks {
		running.Go(func() { errs[i] = c.Run(ctx) })
	}
	running.Wait()
	status, states = healthy, map[string]string{}
	for i, c := range s.Checks {
		states[c.Name] = healthy
		if errs[i] == nil {
			continue
		}
		s.Log.WarnContext(ctx, "check failed", "check", c.Name, "err", errs[i])
		states[c.Name] = unhealthy
		if c.Essential {
			status = unhealthy
		} else if status == healthy {
			status = degraded
		}
	}
	return status, states
}

func statusOfHealth(status string) int {
	if status == unhealthy {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

type probeOutput struct {
	Status int
	Body   struct {
		Status string `json:"status"`
	}
}

// livez handles GET /livez.
func (s *Server) livez(context.Context, *struct{}) (*probeOutput, error) {
	out := &probeOutput{Status: http.StatusOK}
	out.Body.Status = "alive"
	return out, nil
}

// readyz handles GET /readyz.
func (s *Server) readyz(ctx context.Context, _ *struct{}) (*probeOutput, error) {
	status, _ := s.check(ctx)
	out := &probeOutput{Status: statusOfHealth(status)}
	out.Body.Status = status
	return out, nil
}
