package session

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lms-computer/guest/internal/own"
)

// kept is a session over a restart of its machine.
type kept struct {
	Cwd     string `json:"cwd"`
	Exports []byte `json:"exports"`
}

// Keep writes down where each session is, for the next boot.
func (s *Sessions) Keep() {
	all := map[string]kept{}
	s.mu.Lock()
	sessions := make([]*Session, 0, len(s.byName))
	for _, session := range s.byName {
		sessions = append(sessions, session)
	}
	s.mu.Unlock()
	for _, session := range sessions {
		if now, ok := session.present(50 * time.Millisecond); ok {
			if len(now.env) > 0 { // its shell may not have heard of what was unset since
				now.env = slices.Concat(now.env, []byte(s.config.environment.unset(now.version)))
			}
			all[session.name] = kept{now.cwd, now.env}
		}
	}
	if data, err := json.Marshal(all); err == nil {
		_ = writeWhole(s.keepPath(), data)
	}
}

// recall brings back what Keep wrote: each session's next shell begins there. What a guest wrote into that file instead is read by
// its own shells alone.
func (s *Sessions) recall() {
	data, err := own.Read(s.keepPath(), maxBodyBytes)
	_ = os.Remove(s.keepPath()) // after a crash there must be no older state than none
	all := map[string]kept{}
	if err != nil || json.Unmarshal(data, &all) != nil {
		return
	}
	for name, k := range all {
		if ValidName(name) != nil || !filepath.IsAbs(k.Cwd) || len(s.byName) >= maxSessions {
			continue
		}
		session := newSession(name, s.config)
		session.from = &state{cwd: k.Cwd, env: k.Exports}
		if bytes.Contains(k.Exports, []byte(given+"=")) {
			session.from.env = append(k.Exports, takeBack...)
		}
		s.byName[name] = session
	}
}

func (s *Sessions) keepPath() string { return filepath.Join(s.config.StateDir, "sessions.json") }
