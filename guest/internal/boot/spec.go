package boot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"strings"
)

// Spec is what the host asks for, as JSON on stdin.
type Spec struct {
	// Directory holds all there is of the machine; absolute.
	Directory string `json:"directory"`
	Name      string `json:"name"`
	Hostname  string `json:"hostname"`
	// CPUs, MemoryBytes and PIDs are limits; 0 means none.
	CPUs        float64           `json:"cpus"`
	MemoryBytes int64             `json:"memoryBytes"`
	PIDs        int64             `json:"pids"`
	DiskBytes   int64             `json:"diskBytes"`
	Network     string            `json:"network"`
	Env         map[string]string `json:"env"`
	// User is whom sessions run as: a name or UID[:GID]; "" is root.
	User string `json:"user"`
	// Folders of the host are shown to the guest.
	Folders []Folder `json:"folders"`
	// UnheldMs, UnclaimedMs and IdleStopMs are the agent's; see internal/life. With UnheldMs the machine is ephemeral: its directory goes with it.
	UnheldMs    int64 `json:"unheldMs"`
	UnclaimedMs int64 `json:"unclaimedMs"`
	IdleStopMs  int64 `json:"idleStopMs"`
	// Shared is where copies of the host's files are for all machines; empty: each has its own.
	Shared string `json:"shared"`
	// Next is what was made ready for a rollback, to be put in place first; see rollback.go.
	Next string `json:"next"`
}

// Folder is a directory of the host's that the guest sees. HostPath is free of symlinks.
type Folder struct {
	HostPath  string `json:"hostPath"`
	GuestPath string `json:"guestPath"`
	ReadOnly  bool   `json:"readOnly"`
}

const (
	maxSpecBytes = 1 << 20
	// sun_path of a unix socket holds 108 bytes with the NUL at its end (unix(7)).
	maxSocketPath = 107
)

var (
	namePattern     = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)
	hostnamePattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$`)
)

// readDirectory reads an order that names a machine's directory alone.
func readDirectory(r io.Reader) (string, error) {
	var order struct {
		Directory string `json:"directory"`
	}
	if err := readJSON(r, &order); err != nil {
		return "", err
	}
	return order.Directory, cleanAbsolute(order.Directory)
}

// readJSON reads at most maxSpecBytes.
func readJSON(r io.Reader, value any) error {
	data, err := io.ReadAll(io.LimitReader(r, maxSpecBytes+1))
	if err != nil {
		return err
	}
	if len(data) > maxSpecBytes {
		return failf("too_large", "expected a specification of at most %d bytes", maxSpecBytes)
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(value); err != nil {
		return failf("invalid_argument", "expected a specification in JSON: %s", err)
	}
	return nil
}

func parseSpec(r io.Reader) (*Spec, error) {
	var spec Spec
	if err := readJSON(r, &spec); err != nil {
		return nil, err
	}
	return &spec, spec.validate()
}

func (s *Spec) validate() error {
	switch {
	case !namePattern.MatchString(s.Name):
		return failf("invalid_argument", "expected a name like %s, got %q", namePattern, s.Name)
	case !hostnamePattern.MatchString(s.Hostname):
		return failf("invalid_argument", "expected a host name like %s, got %q", hostnamePattern, s.Hostname)
	case s.Network != "none":
		return failf("not_supported", "expected network \"none\", got %q", s.Network).
			hint("Choose Docker or Podman for a computer with a network.")
	case math.IsNaN(s.CPUs) || s.CPUs < 0 || s.CPUs > 4096:
		return failf("invalid_argument", "expected cpus from 0 to 4096, got %g", s.CPUs)
	case s.UnheldMs < 0 || s.UnclaimedMs < 0 || s.IdleStopMs < 0:
		return failf("invalid_argument", "expected times of 0 or more, got %d, %d and %d ms", s.UnheldMs, s.UnclaimedMs, s.IdleStopMs)
	case s.MemoryBytes < 0 || s.PIDs < 0:
		return failf("invalid_argument", "expected limits of 0 or more, got %d bytes and %d processes", s.MemoryBytes, s.PIDs)
	}
	for name, value := range s.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(value, "\x00") {
			return failf("invalid_argument", "expected an environment without = in names and without NUL, got %q", name)
		}
	}
	for _, folder := range s.Folders {
		for _, path := range []string{folder.HostPath, folder.GuestPath} {
			if err := cleanAbsolute(path); err != nil {
				return err
			}
		}
	}
	if s.Shared != "" {
		if err := cleanAbsolute(s.Shared); err != nil {
			return err
		}
	}
	return validDirectory(s.Directory)
}

func cleanAbsolute(directory string) error {
	if !filepath.IsAbs(directory) || filepath.Clean(directory) != directory || directory == "/" || strings.Contains(directory, "\x00") {
		return failf("invalid_argument", "expected a clean absolute directory, got %q", directory)
	}
	return nil
}

func validDirectory(directory string) error {
	if err := cleanAbsolute(directory); err != nil {
		return err
	}
	if longest := filepath.Join(directory, controlSocket); len(longest) > maxSocketPath {
		return failf("invalid_argument", "expected a socket path of at most %d bytes, got %d: %s", maxSocketPath, len(longest), longest).
			hint("Give the computer a shorter name, or set LMS_COMPUTER_STATE_DIR to a shorter path.")
	}
	return nil
}

// Failure is an error that the host can show as it is.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (f *Failure) Error() string { return f.Message }

func (f *Failure) hint(text string) *Failure {
	f.Hint = text
	return f
}

func failf(code, format string, args ...any) *Failure {
	return &Failure{Code: code, Message: fmt.Sprintf(format, args...)}
}
