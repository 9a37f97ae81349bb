package session

import (
	"bytes"
	"path/filepath"
	"time"

	"lms-computer/guest/internal/own"
)

// state is what outlives a shell: where it was, and what it exported (as shell text; only ever read by a shell of the same machine).
type state struct {
	cwd     string
	env     []byte
	version int // of the computer's environment that env has
}

// current is the state to go on from: after the shell's end what its trap told, else what was saved after the last command.
func (s *shell) current() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.from
	now.cwd = s.cwd
	if env, ok := readEnv(s.saved); ok {
		now.env, now.version = env, s.heard
	} else if env, ok := readEnv(s.before); ok { // it was killed while it saved
		now.env = env
	}
	select {
	case <-s.process.Done():
		if env, ok := readEnv(filepath.Join(s.dir, "env.exit")); ok && s.dying != "" {
			now = state{s.dying, env, s.heard}
		}
	default:
	}
	return now
}

// saves waits for the environment to be saved, which the shell does just after it has reported, off the path of the result.
func (s *shell) saves(within time.Duration) {
	s.mu.Lock()
	path := s.saved
	s.mu.Unlock()
	for deadline := time.Now().Add(within); path != "" && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, whole := readEnv(path); whole {
			return
		}
	}
}

// maxSavedBytes is more than a program can be started with: 6 MiB (execve(2)), quoted.
const maxSavedBytes = 16 << 20

// readEnv reads a file of saveEnv, if it is whole.
func readEnv(path string) ([]byte, bool) {
	if path == "" {
		return nil, false
	}
	env, err := own.Read(path, maxSavedBytes)
	return env, err == nil && bytes.HasSuffix(env, []byte(envEnd))
}

// place is current's directory alone.
func (s *shell) place() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cwd
}
