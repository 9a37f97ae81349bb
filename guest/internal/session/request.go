package session

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/wire"
)

const (
	maxCommandBytes = 16 << 20
	maxEnvBytes     = 1 << 20
	maxTimeoutMs    = 24 * 3600 * 1000
	maxOutputBytes  = 1 << 30
)

// request is the body of POST /v1/exec.
type request struct {
	Command        string            `json:"command"`
	Session        string            `json:"session"`
	Cwd            string            `json:"cwd"`
	Env            map[string]string `json:"env"`
	Stdin          bool              `json:"stdin"`
	TimeoutMs      int64             `json:"timeoutMs"`
	OnTimeout      string            `json:"onTimeout"`
	MaxOutputBytes *int64            `json:"maxOutputBytes"`
}

var (
	sessionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)
	envName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// refusedEnv would change how the session's own shell reads and runs, or load code into every program, for longer than one command.
var refusedEnv = map[string]bool{
	"LD_PRELOAD": true, "LD_AUDIT": true, "BASH_ENV": true, "ENV": true, "PROMPT_COMMAND": true, "SHELLOPTS": true, "BASHOPTS": true,
	"IFS": true, "POSIXLY_CORRECT": true, "PS4": true, "BASH_XTRACEFD": true,
}

func (r *request) validate() error {
	if r.Session == "" {
		r.Session = "main"
	}
	if err := ValidName(r.Session); err != nil {
		return err
	}
	if len(r.Command) > maxCommandBytes {
		return wire.Errorf("too_large", "expected a command of at most %d bytes, got %d", maxCommandBytes, len(r.Command))
	}
	if strings.ContainsRune(r.Command, 0) {
		return wire.Errorf("invalid_argument", "expected a command without NUL bytes")
	}
	if r.OnTimeout != "" && r.OnTimeout != "kill" && r.OnTimeout != "job" {
		return wire.Errorf("invalid_argument", "expected onTimeout to be kill or job, got %q", r.OnTimeout)
	}
	if r.TimeoutMs < 0 || r.TimeoutMs > maxTimeoutMs {
		return wire.Errorf("invalid_argument", "expected timeoutMs from 0 to %d, got %d", maxTimeoutMs, r.TimeoutMs)
	}
	if r.MaxOutputBytes != nil && (*r.MaxOutputBytes < 0 || *r.MaxOutputBytes > maxOutputBytes) {
		return wire.Errorf("invalid_argument", "expected maxOutputBytes from 0 to %d, got %d", maxOutputBytes, *r.MaxOutputBytes)
	}
	return ValidEnv(r.Env)
}

// ValidName refuses what can not be the name of a session or terminal.
func ValidName(name string) error {
	if !sessionName.MatchString(name) {
		return wire.Errorf("invalid_argument", "expected a name of letters, digits, '_', '.', '-' (64 at most), got %q", name)
	}
	return nil
}

// ValidEnv refuses names that no shell takes and names that would break the session.
func ValidEnv(env map[string]string) error {
	size := 0
	for name, value := range env {
		if !envName.MatchString(name) {
			return wire.Errorf("invalid_argument", "expected an environment name of letters, digits and '_', got %q", name)
		}
		if refusedEnv[name] || strings.HasPrefix(name, "__lms") || strings.HasPrefix(name, "LMS_") {
			return wire.Errorf("invalid_argument", "the environment variable %s can not be set from outside; set it inside the command", name)
		}
		if strings.ContainsRune(value, 0) {
			return wire.Errorf("invalid_argument", "expected the value of %s without NUL bytes", name)
		}
		size += len(name) + len(value)
	}
	if size > maxEnvBytes {
		return wire.Errorf("too_large", "expected an environment of at most %d bytes, got %d", maxEnvBytes, size)
	}
	return nil
}

// directory resolves the directory to run in; "" when the command runs where the session is.
func (r *request) directory(current, home string) (string, error) {
	if r.Cwd == "" {
		return "", nil
	}
	return Directory(r.Cwd, current, home)
}

// Directory resolves a directory for a command and makes sure that it is one that the user may enter. /proc is refused: names such as /proc/self/fd/8 mean another
// thing to every process that looks (and have led out of containers, CVE-2024-21626).
func Directory(path, current, home string) (string, error) {
	if strings.ContainsRune(path, 0) {
		return "", wire.Errorf("invalid_argument", "expected a directory without NUL bytes")
	}
	if path == "~" || strings.HasPrefix(path, "~/") {
		path = home + path[1:]
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(current, path)
	}
	path = filepath.Clean(path)
	if inProc(path) {
		return "", refuseProc(path)
	}
	var real string
	err := account.As(func() (err error) {
		if real, err = filepath.EvalSymlinks(path); err == nil {
			err = enter(real)
		}
		return err
	})
	switch {
	case inProc(real):
		return "", refuseProc(path)
	case errors.Is(err, fs.ErrNotExist):
		return "", wire.Errorf("not_found", "expected a directory to run in, %s does not exist", path).With("path", path)
	case errors.Is(err, syscall.ENOTDIR):
		return "", wire.Errorf("not_a_directory", "expected a directory, %s is not one", path).With("path", path)
	case err != nil:
		return "", wire.FromOS(err, path)
	}
	return path, nil
}

// enter fails as a change to the directory would: it looks for a name in it.
func enter(path string) error {
	_, err := os.Stat(path + "/.")
	return err
}

// Enterable tells whether the user's programs can start in a directory.
func Enterable(path string) bool {
	return account.As(func() error { return enter(path) }) == nil
}

func inProc(path string) bool { return path == "/proc" || strings.HasPrefix(path, "/proc/") }

func refuseProc(path string) error {
	return wire.Errorf("invalid_argument", "a command can not run in %s; expected a directory outside /proc", path).With("path", path)
}
