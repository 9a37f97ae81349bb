package session

import (
	"os"
	"path/filepath"
	"strings"
)

// Config says where sessions live.
type Config struct {
	RunDir   string   // FIFOs and scripts; memory is best
	SpoolDir string   // logs; disk is best
	StateDir string   // what outlives a restart
	Home     string   // directory of a new session
	Shell    string   // path of bash or of a POSIX sh
	Env      []string // environment of a new session
	// Active is called when something was done that no request waits for; may be nil.
	Active func()
	// OOMKills counts what the kernel has killed for want of memory; may be nil.
	OOMKills func() uint64
	// Ended is called when a command has ended, before its result is told; may be nil.
	Ended func()

	hub         *hub
	ooms        *ooms
	environment *environment
}

// Did tells that something was done that no request waits for.
func (c *Config) Did() {
	if c.Active != nil {
		c.Active()
	}
}

// FindShell returns the first shell there is; preferred (may be empty) comes first.
func FindShell(preferred string) string {
	for _, path := range []string{preferred, "/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/bin/sh", "/usr/bin/sh", "/bin/ash", "/bin/busybox"} {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// argv starts the shell interactively without a terminal. Without --noediting bash echoes its input and reads it 15 times slower.
func (c Config) argv() (argv []string, bash bool) {
	if strings.HasSuffix(c.Shell, "bash") {
		return []string{c.Shell, "--noprofile", "--norc", "--noediting", "-i"}, true
	}
	if strings.HasSuffix(c.Shell, "busybox") {
		return []string{c.Shell, "sh", "-i"}, false
	}
	return []string{c.Shell, "-i"}, false
}

// isBusybox tells whether the shell, under whatever name, is that of /bin/busybox.
func (c Config) isBusybox() bool {
	if path, err := filepath.EvalSymlinks(c.Shell); err == nil && strings.HasPrefix(filepath.Base(path), "busybox") {
		return true
	}
	shell, err := os.Stat(c.Shell)
	if err != nil {
		return false
	}
	busybox, err := os.Stat("/bin/busybox")
	return err == nil && os.SameFile(shell, busybox)
}
