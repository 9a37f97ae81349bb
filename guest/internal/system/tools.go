package system

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/process"
	"lms-computer/guest/internal/wire"
)

// known are the tools that are looked for, with what makes each tell its version; none: it tells none.
var known = []struct{ name, ask string }{
	{"bash", "--version"}, {"python3", "--version"}, {"pip3", "--version"}, {"node", "--version"}, {"npm", "--version"}, {"gcc", "--version"},
	{"g++", "--version"}, {"make", "--version"}, {"cmake", "--version"}, {"git", "--version"}, {"curl", "--version"}, {"wget", "--version"},
	{"jq", "--version"}, {"vim", "--version"}, {"go", "version"}, {"rustc", "--version"}, {"cargo", "--version"}, {"java", "--version"},
	{"ruby", "--version"}, {"perl", "--version"}, {"php", "--version"}, {"sqlite3", "--version"}, {"ffmpeg", "-version"}, {"tar", "--version"},
	{"apt-get", ""}, {"apk", "--version"}, {"busybox", ""},
}

const (
	versionDeadline = 3 * time.Second
	maxVersionBytes = 4 << 10
	maxAsked        = 4 // at once
	defaultPath     = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

type tool struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Version string `json:"version,omitempty"`
}

// tools answers which are there; with versions=1 also which, which takes as long as the slowest of them needs to start.
func tools(_ http.ResponseWriter, r *http.Request) (any, error) {
	path := os.Getenv("PATH")
	if path == "" {
		path = defaultPath
	}
	found := []tool{}
	asks := []string{}
	for _, one := range known {
		if at := lookUp(path, one.name); at != "" {
			found = append(found, tool{Name: one.name, Path: at})
			asks = append(asks, one.ask)
		}
	}
	if wire.Flag(r, "versions") {
		var all sync.WaitGroup
		turn := make(chan struct{}, maxAsked)
		for i, ask := range asks {
			if ask == "" {
				continue
			}
			all.Go(func() {
				turn <- struct{}{}
				defer func() { <-turn }()
				found[i].Version = versions.of(r.Context(), path, found[i].Path, ask)
			})
		}
		all.Wait()
	}
	return map[string]any{"tools": found}, nil
}

// lookUp finds a program as a shell does.
func lookUp(path, name string) string {
	for dir := range strings.SplitSeq(path, ":") {
		if !filepath.IsAbs(dir) {
			continue
		}
		at := filepath.Join(dir, name)
		if info, err := os.Stat(at); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return at
		}
	}
	return ""
}

// cache keeps what a program said until it is another one.
type cache struct {
	mu   sync.Mutex
	said map[string]answer
}

type answer struct {
	is      os.FileInfo
	version string
}

var versions = cache{said: map[string]answer{}}

func (c *cache) of(ctx context.Context, search, path, ask string) string {
	is, err := os.Stat(path)
	if err != nil {
		return ""
	}
	c.mu.Lock()
	old, ok := c.said[path]
	c.mu.Unlock()
	if ok && os.SameFile(old.is, is) && old.is.ModTime().Equal(is.ModTime()) {
		return old.version
	}
	version := parseVersion(say(ctx, search, path, ask))
	if version != "" {
		c.mu.Lock()
		c.said[path] = answer{is, version}
		c.mu.Unlock()
	}
	return version
}

// say runs a program for the beginning of what it says, and no longer than the deadline.
func say(ctx context.Context, search, path, ask string) string {
	if account.Err() != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, versionDeadline)
	defer cancel()
	output, input, err := os.Pipe()
	if err != nil {
		return ""
	}
	defer output.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		input.Close()
		return ""
	}
	defer null.Close()
	child, err := process.Start([]string{path, ask}, &syscall.ProcAttr{
		Dir: "/", Env: []string{"PATH=" + search, "LANG=C.UTF-8", "HOME=/nonexistent"},
		Files: []uintptr{null.Fd(), input.Fd(), null.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true, Credential: account.Credential()},
	})
	input.Close()
	if err != nil {
		return ""
	}
	stop := context.AfterFunc(ctx, func() { _ = output.SetReadDeadline(time.Now()) })
	defer stop()
	said, _ := io.ReadAll(io.LimitReader(output, maxVersionBytes))
	child.Signal(syscall.SIGKILL) // it has said enough, or it takes too long; a no-op once it has ended
	return string(said)
}

var versionPattern = regexp.MustCompile(`\d+(\.\d+)+[0-9A-Za-z.+~-]*`)

// parseVersion finds the first number with a dot in it.
func parseVersion(said string) string {
	return clean(versionPattern.FindString(said), maxNameBytes)
}
