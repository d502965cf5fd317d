package example_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/example"
)

func TestConnector(t *testing.T) {
	t.Parallel()

	connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
		s, files := newServer(t), map[string]string{}
		for i := range 3*pageSize - 2 {
			path := fmt.Sprintf("folder-%d/file %02d.txt", i%3, i)
			files[path] = fmt.Sprintf("content %d", i)
			s.put(path, files[path])
		}
		config, err := json.Marshal(map[string]string{"url": s.URL})
		if err != nil {
			t.Fatal(err)
		}
		faults := map[connectortest.Fault]func(){}
		for _, f := range []connectortest.Fault{
			connectortest.Truncated, connectortest.Unauthorized, connectortest.CutOff, connectortest.EmptyPage,
			connectortest.Repeated, connectortest.ServerError, connectortest.RateLimited,
		} {
			faults[f] = s.fail(f)
		}
		return connectortest.Fixture{
			Connector: example.New(s.Client(), connectortest.NewWorld(t).Clock),
			Config:    config, Token: token, Files: files,
			Put: s.put, Remove: s.remove, Rename: s.rename, Faults: faults, Mend: s.fail(""), Reset: s.reset,
		}
	})
}
