package ingest

import (
	"slices"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// Connectors are the connectors of the service, in the order in which users see
// them. The list is made in one place, by the command.
type Connectors []domain.Connector

// Find is the connector of a provider, by its name or an alias.
func (c Connectors) Find(name string) (domain.Connector, bool) {
	for _, conn := range c {
		d := conn.Describe()
		if string(d.Provider) == name || slices.Contains(d.Aliases, domain.Provider(name)) {
			return conn, true
		}
	}
	return nil, false
}

// Names are the providers, for an error that says what is allowed.
func (c Connectors) Names() string {
	names := make([]string, len(c))
	for i, conn := range c {
		names[i] = string(conn.Describe().Provider)
	}
	return strings.Join(names, ", ")
}
