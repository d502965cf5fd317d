package blob

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"gocloud.dev/blob/azureblob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/blob/s3blob"
)

const (
	folderScheme = "file" // the other ones are those of gocloud.dev/blob
	wantAddress  = "want file:///path/of/a/folder, s3://bucket, gs://bucket or azblob://container"
)

// parse reads the address of a store. No error shows it: it may hold secrets
// (I7).
func parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("address of the content store is not a URL; " + wantAddress)
	}
	switch u.Scheme {
	case folderScheme:
		return u, checkFolder(u)
	case s3blob.Scheme, gcsblob.Scheme, azureblob.Scheme:
		return u, checkBucket(u)
	}
	return nil, fmt.Errorf("content store %q is not supported; %s", u.Scheme, wantAddress)
}

func checkFolder(u *url.URL) error {
	if (u.Host != "" && u.Host != "localhost") || !filepath.IsAbs(u.Path) || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("address of the content store is not an absolute path; " + wantAddress)
	}
	return nil
}

func checkBucket(u *url.URL) error {
	if u.User != nil {
		return errors.New("address of the content store holds credentials; give them in the environment or as a role of the machine")
	}
	if u.Host == "" || u.Fragment != "" || u.Opaque != "" {
		return errors.New("address of the content store names no bucket; " + wantAddress)
	}
	if p := strings.TrimSuffix(u.Path, "/"); p != "" && path.Clean(p) != p {
		return errors.New("folder in the address of the content store is not in its shortest form")
	}
	return nil
}

// prefixOf is what begins the names of all objects in a bucket: the path of its
// address, with a slash at its end. Empty: nothing does.
func prefixOf(u *url.URL) string {
	p := strings.Trim(u.Path, "/")
	if p == "" {
		return ""
	}
	return p + "/"
}

// Check returns an error when address cannot be one of a store. It asks nobody.
func Check(address string) error {
	if _, err := parse(address); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}
