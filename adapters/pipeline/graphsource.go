package pipeline

import "github.com/confuse/data-connector/domain"

// GraphSource is a provider in the words of relation-graph, which takes any word
// that it does not know for local_file.
func GraphSource(p domain.Provider) string {
	switch p {
	case "github", "gitlab", "bitbucket", "slack", "notion", "dropbox", "email", "jira", "confluence":
		return string(p)
	case "gdrive":
		return "google_drive"
	case "url":
		return "url_crawler"
	}
	return "local_file"
}
