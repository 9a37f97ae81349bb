// Package session runs commands in persistent shells. One call has persistent state, separate byte-exact streams, an exact exit code,
// partial output on timeout and a session that is still usable afterwards; no command can break it.
package session

import (
	"bytes"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"

	"lms-computer/guest/internal/wire"
)

const (
	maxSessions    = 256
	maxJobs        = 256       // commands that run at once; more sessions than that there are not
	maxRemembered  = 256       // finished commands
	maxStoredBytes = 256 << 20 // of their logs on disk
)

// Sessions are all sessions and commands of a machine.
type Sessions struct {
	config Config

	mu       sync.Mutex
	byName   map[string]*Session
	commands map[string]*Command
	order    []string // ids of commands, oldest first
	unsorted int      // how many came since the bounds were looked at
	lastID   int
}

// New makes the sessions of a machine; none is started yet.
func New(config Config) *Sessions {
	config.environment = loadEnvironment(config.StateDir)
	config.hub = &hub{subscribers: map[*subscriber]bool{}}
	config.ooms = newOoms(config.OOMKills)
	s := &Sessions{config: config, byName: map[string]*Session{}, commands: map[string]*Command{}}
	s.recall()
	return s
}

// Warm starts the shell that the first command will most likely want.
func (s *Sessions) Warm() {
	if session, err := s.open("main"); err == nil {
		_, _ = session.ready()
	}
}

func (s *Sessions) open(name string) (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session := s.byName[name]; session != nil {
		return session, nil
	}
	if len(s.byName) >= maxSessions {
		return nil, wire.Errorf("limit_reached", "the machine already has %d sessions", maxSessions).With("limit", maxSessions)
	}
	session := newSession(name, s.config)
	s.byName[name] = session
	return session, nil
}

// State is where a session is, and what a program that starts there exports beside the base environment: a terminal's.
func (s *Sessions) State(name string) (cwd string, exports []byte) {
	now := s.stateOf(name)
	vars, _ := s.config.environment.lines(-1)
	return now.cwd, append(bytes.Clone(now.env), vars...)
}

// stateOf is what another shell begins with that starts where the session is; it gives itself the computer's variables.
func (s *Sessions) stateOf(name string) state {
	s.mu.Lock()
	session := s.byName[name]
	s.mu.Unlock()
	now := state{cwd: s.config.Home}
	if session != nil {
		if present, ok := session.present(time.Second); ok {
			now = present
		}
	}
	return now
}

func (s *Sessions) remove(name string) error {
	s.mu.Lock()
	session := s.byName[name]
	delete(s.byName, name)
	s.mu.Unlock()
	if session == nil {
		return wire.Errorf("not_found", "there is no session %s", name)
	}
	session.remove()
	return nil
}

func (s *Sessions) nextID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	return strconv.Itoa(s.lastID)
}

// remember keeps a command, and forgets the oldest finished ones beyond the bounds now and then.
func (s *Sessions) remember(c *Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands[c.id] = c
	s.order = append(s.order, c.id)
	if s.unsorted++; s.unsorted < 16 { // looking at all of them takes longer than some commands
		return
	}
	s.unsorted = 0
	finished, stored := 0, int64(0)
	kept := make([]string, 0, len(s.order))
	for i := len(s.order) - 1; i >= 0; i-- {
		id := s.order[i]
		old := s.commands[id]
		if !old.running() {
			finished++
			stored += old.stdout.log.Stored() + old.stderr.log.Stored()
			if finished > maxRemembered || stored > maxStoredBytes {
				old.stdout.log.Drop()
				old.stderr.log.Drop()
				delete(s.commands, id)
				continue
			}
		}
		kept = append(kept, id)
	}
	slices.Reverse(kept)
	s.order = kept
}

func (s *Sessions) command(id string) (*Command, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.commands[id]; c != nil {
		return c, nil
	}
	return nil, wire.Errorf("not_found", "there is no command %q; finished ones are remembered up to %d", id, maxRemembered)
}

func (s *Sessions) allCommands() []commandState {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make([]commandState, 0, len(s.order))
	for _, id := range s.order {
		states = append(states, s.commands[id].state())
	}
	return states
}

type sessionState struct {
	Name   string `json:"name"`
	Cwd    string `json:"cwd"`
	Pid    int    `json:"pid"`
	Shell  string `json:"shell"`
	Busy   bool   `json:"busy"`
	Queued int    `json:"queued"`
}

func (s *Session) state() sessionState {
	cwd := s.directory()
	s.mu.Lock()
	defer s.mu.Unlock()
	state := sessionState{Name: s.name, Cwd: cwd, Shell: s.config.Shell, Busy: s.now != nil, Queued: s.queued}
	if s.shell != nil {
		state.Pid = s.shell.process.Pid
	}
	return state
}

func (s *Sessions) all() []sessionState {
	s.mu.Lock()
	sessions := make([]*Session, 0, len(s.byName))
	for _, session := range s.byName {
		sessions = append(sessions, session)
	}
	s.mu.Unlock()
	states := make([]sessionState, 0, len(sessions))
	for _, session := range sessions {
		states = append(states, session.state())
	}
	sort.Slice(states, func(i, j int) bool { return states[i].Name < states[j].Name })
	return states
}
