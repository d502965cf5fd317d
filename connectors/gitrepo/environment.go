package gitrepo

import (
	"fmt"
	"runtime"
	"strconv"
)

// The speed below which a transfer is given up, and for how long it may last.
const (
	lowSpeed     = "1000" // bytes per second
	lowSpeedTime = "60"   // seconds
)

// maxThreads is how many threads git uses to unpack: each needs memory of its own.
const maxThreads = 4

// A setting is one line of git's configuration.
type setting struct{ key, value string }

// environment is all that git knows of the world: nothing of ours is inherited.
// Settings come through it and not through arguments or files, so that tokens
// are neither in a list of processes nor on a disk (I7).
func (c *Client) environment(n *network) []string {
	env := []string{
		"PATH=" + c.path(), "HOME=/nonexistent", "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_NO_REPLACE_OBJECTS=1", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true", "SSH_ASKPASS=true", "GIT_OPTIONAL_LOCKS=0",
		"GIT_ALLOW_PROTOCOL=" + n.protocols(),
	}
	if n == nil {
		env = append(env, "GIT_NO_LAZY_FETCH=1")
	}
	if c.opt.CAFile != "" {
		env = append(env, "GIT_SSL_CAINFO="+c.opt.CAFile)
	}
	settings := append(c.hardened(), n.settings()...)
	env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)))
	for i, s := range settings {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s.key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s.value))
	}
	return env
}

// hardened is the configuration of every run: no program but git's own, no
// protocol unless the network allows it, no file outside the repository.
func (c *Client) hardened() []setting {
	settings := []setting{
		{"core.hooksPath", "/dev/null"}, {"core.fsmonitor", "false"}, {"core.symlinks", "false"},
		{"core.protectHFS", "true"}, {"core.protectNTFS", "true"}, {"core.pager", "cat"}, {"core.editor", "false"},
		{"core.attributesFile", "/dev/null"}, {"core.excludesFile", "/dev/null"}, {"core.alternateRefsCommand", "false"},
		{"safe.bareRepository", "explicit"}, {"credential.helper", ""}, {"submodule.recurse", "false"},
		{"fetch.recurseSubmodules", "false"}, {"gc.auto", "0"}, {"maintenance.auto", "false"},
		{"fetch.writeCommitGraph", "false"}, {"fetch.unpackLimit", "1"}, {"transfer.unpackLimit", "1"}, // packs appear whole, or not at all
		{"transfer.credentialsInUrl", "die"}, {"transfer.bundleURI", "false"}, {"transfer.fsckObjects", "true"}, {"fetch.fsckObjects", "true"}, {"protocol.allow", "never"}, {"protocol.version", "2"},
		{"http.followRedirects", "false"}, {"http.proxy", ""}, {"http.lowSpeedLimit", lowSpeed}, {"http.lowSpeedTime", lowSpeedTime},
		{"core.packedGitWindowSize", "32m"}, {"core.packedGitLimit", "512m"}, {"core.deltaBaseCacheLimit", "96m"}, {"core.bigFileThreshold", "64m"},
		{"pack.windowMemory", "64m"}, {"pack.threads", strconv.Itoa(min(maxThreads, runtime.NumCPU()))},
		{"diff.renames", "true"}, {"diff.renameLimit", "1000"}, {"advice.detachedHead", "false"},
	}
	for _, id := range append(harmless(), c.opt.AcceptFsck...) {
		settings = append(settings, setting{"fetch.fsck." + id, "ignore"})
	}
	return settings
}
