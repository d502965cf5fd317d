package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (c *command) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this binary", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := readBuild()
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "data-connector %s (%s, %s)\n", b.version, b.revision, b.goVersion)
			return err
		},
	}
}

// A build says what this binary was made from.
type build struct {
	version   string // of the module; "(devel)" where it was built in a work tree without a tag
	revision  string // of the commit, with "+dirty" when files had changed; "unknown" outside of a checkout
	goVersion string
}

func readBuild() build {
	b := build{version: "unknown", revision: "unknown", goVersion: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.version, b.goVersion = cmp.Or(info.Main.Version, b.version), info.GoVersion
	dirty := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	b.revision += dirty
	return b
}

// programID tells this binary from any other, also where both were built without a
// version: it is the digest of its file. One that was exchanged while it runs goes by
// what it was made from.
func programID() string {
	b := readBuild()
	made := b.version + " " + b.revision + " " + b.goVersion
	path, err := os.Executable()
	if err != nil {
		return made
	}
	file, err := os.Open(path)
	if err != nil {
		return made
	}
	defer func() { _ = file.Close() }() // only read
	digest := sha256.New()
	if _, err := io.Copy(digest, file); err != nil {
		return made
	}
	return hex.EncodeToString(digest.Sum(nil))
}
