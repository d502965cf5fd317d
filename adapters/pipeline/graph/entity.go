package graph

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
)

// An Entity is the body of POST /api/graph/entities.
type Entity struct {
	Type       string         `json:"entity_type"`
	Source     string         `json:"source"` // the provider, in the graph's words
	SourceID   string         `json:"source_id"`
	Name       string         `json:"name"`
	Properties map[string]any `json:"properties"`
}

// The types of entities that this stage tells of.
const (
	Repository  = "repository"
	File        = "file"
	Document    = "document"
	Commit      = "commit"
	PullRequest = "pull_request"
	Issue       = "issue"
	Thread      = "thread"
	Person      = "person"
)

// An entity is one that may have been told already.
type entity struct {
	Entity
	item domain.HandedItem
}

// own tells whether e is the file that has changed, not something that it shares with
// others.
func (e entity) own() bool { return e.item.At != (domain.Revised{}) }

// entitiesOf are those that a change tells of: the repository, people and commits
// that it names, then the file itself.
func entitiesOf(h pipeline.Handover) []entity {
	f := h.File
	all := []entity{belonging(h, Repository, f.SourceID.String(), nameOf(h.Source), map[string]any{
		"external_key": h.Source.ExternalKey, "provider": h.Source.Provider,
	})}
	for _, ref := range people(f) { // I7: the name of a person is the reference
		all = append(all, belonging(h, Person, ref, ref, nil))
	}
	for _, name := range commitNames {
		if sha := f.Attributes[name]; sha != "" && f.Kind != domain.KindSubmodule {
			all = append(all, belonging(h, Commit, sha, sha, map[string]any{"role": name}))
		}
	}
	return append(all, itself(h))
}

// commitNames are the attributes that name commits of the repository.
var commitNames = [...]string{"commit", "commit_sha", "head_sha", "base_sha", "merge_commit_sha"}

// belonging is what files of a source have in common: it is told once.
func belonging(h pipeline.Handover, kind, key, name string, properties map[string]any) entity {
	id := uuid.NewSHA1(h.File.SourceID.UUID, []byte(kind+"\x00"+key))
	p := map[string]any{"owner_id": h.File.OwnerID, "connector_source_id": h.File.SourceID, "repository": h.File.SourceID}
	maps.Copy(p, properties)
	return entity{
		Entity{Type: kind, Source: pipeline.GraphSource(h.Source.Provider), SourceID: key, Name: name, Properties: p},
		domain.HandedItem{ID: id, SourceID: h.File.SourceID, OwnerID: h.File.OwnerID, FileID: domain.FileID{UUID: id}},
	}
}

// itself is the file that has changed.
func itself(h pipeline.Handover) entity {
	f := h.File
	p := map[string]any{
		"owner_id": f.OwnerID, "connector_source_id": f.SourceID, "repository": f.SourceID, "path": f.Path, "kind": f.Kind, "change": f.Change,
		"revision": f.Revision, "run": f.Run, "seq": f.Seq, "attributes": f.Attributes,
	}
	for name, value := range map[string]string{
		"old_path": f.OldPath, "language": f.Language, "media_type": f.MediaType, "web_url": f.WebURL, "author": f.AuthorRef,
		"item_id": f.ItemID, "replay": h.Replay,
	} {
		if value != "" {
			p[name] = value
		}
	}
	if people := people(f); len(people) > 0 {
		p["people"] = people
	}
	if !f.ProviderTime.IsZero() {
		p["modified_at"] = f.ProviderTime.UTC().Format(time.RFC3339)
	}
	var digest domain.Digest
	if f.Content != nil {
		p["sha256"], p["size"] = f.Content.SHA256, f.Content.Size
		digest = f.Content.SHA256
	}
	return entity{
		Entity{Type: typeOf(f), Source: pipeline.GraphSource(h.Source.Provider), SourceID: f.FileID.String(), Name: cmp.Or(f.Attributes["title"], path.Base(f.Path)), Properties: p},
		domain.HandedItem{
			ID: h.ID.UUID, SourceID: f.SourceID, OwnerID: f.OwnerID, FileID: f.FileID, At: f.Revised(), Digest: digest, Path: f.Path, Revision: f.Revision,
		},
	}
}

// people are the references to people on f, sorted, each once.
func people(f domain.FileChanged) []string {
	refs := []string{f.AuthorRef}
	for name, list := range f.Attributes {
		if strings.HasSuffix(name, "_refs") {
			refs = append(refs, strings.Split(list, ",")...)
		}
	}
	slices.Sort(refs)
	return slices.DeleteFunc(slices.Compact(refs), func(ref string) bool { return ref == "" })
}

func typeOf(f domain.FileChanged) string {
	switch f.Kind {
	case domain.KindDocument, domain.KindWikiPage:
		return Document
	case domain.KindPullRequest:
		return PullRequest
	case domain.KindIssue:
		return Issue
	case domain.KindCommentThread:
		return Thread
	default:
		return File
	}
}

func nameOf(s domain.Source) string {
	if s.Name != "" {
		return s.Name
	}
	return s.ID.String()
}
