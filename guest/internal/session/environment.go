package session

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"lms-computer/guest/internal/own"
	"lms-computer/guest/internal/wire"
)

// environment holds the variables of a computer: every later command, job and terminal has them, in shells that run already too, and after
// a restart.
type environment struct {
	path string // where they are kept

	mu      sync.Mutex
	vars    map[string]string
	machine map[string]string // what the machine itself gives, such as a proxy; vars of the same name count instead
	gone    map[string]bool   // unset since the agent began: a shell may still have them
	version int
}

func loadEnvironment(stateDir string) *environment {
	e := &environment{path: filepath.Join(stateDir, "environment.json"), vars: map[string]string{}, gone: map[string]bool{}}
	data, err := own.Read(e.path, maxBodyBytes)
	if err != nil {
		return e
	}
	vars := map[string]string{}
	// The guest can write that file. What could not have been set is not taken.
	if json.Unmarshal(data, &vars) == nil && ValidEnv(vars) == nil {
		e.vars = vars
	}
	return e
}

// change applies what is asked for, all of it or nothing.
func (e *environment) change(set map[string]string, unset []string) error {
	names := map[string]string{}
	for _, name := range unset {
		names[name] = ""
	}
	if err := ValidEnv(names); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	next := maps.Clone(e.vars)
	for name := range names {
		delete(next, name)
	}
	maps.Copy(next, set)
	if err := ValidEnv(next); err != nil {
		return err
	}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := writeWhole(e.path, data); err != nil {
		return wire.FromOS(err, e.path)
	}
	for name := range names {
		e.gone[name] = true
	}
	for name := range set {
		delete(e.gone, name)
	}
	e.vars = next
	e.version++
	return nil
}

// lines bring a shell that has seen a version up to the present one; "" when it is there already.
func (e *environment) lines(seen int) (text string, version int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if seen == e.version {
		return "", seen
	}
	var b strings.Builder
	b.WriteString(e.unsetLines())
	for _, name := range sorted(e.machine) {
		b.WriteString(`\export ` + name + "=" + Quote(e.machine[name]) + "\n")
	}
	for _, name := range sorted(e.vars) {
		b.WriteString(`\export ` + name + "=" + Quote(e.vars[name]) + "\n")
	}
	return b.String(), e.version
}

// unset takes from a shell what is gone since the agent began, unless it has seen the present version: what it has under such a name since is its own.
func (e *environment) unset(seen int) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if seen == e.version {
		return ""
	}
	return e.unsetLines()
}

// unsetLines is called with the lock held.
func (e *environment) unsetLines() string {
	var b strings.Builder
	for _, name := range sorted(e.gone) {
		b.WriteString(`\unset ` + name + "\n")
	}
	return b.String()
}

// given names what the machine gave, for a shell that is restored when it no longer does.
const given = "LMS_COMPUTER_GIVEN"

const takeBack = `[ -z "${` + given + `-}" ] || \unset $` + given + " " + given + "\n"

// give replaces what the machine itself gives. It ends with the agent.
func (e *environment) give(vars map[string]string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name := range e.machine {
		if _, set := e.vars[name]; !set {
			e.gone[name] = true
		}
	}
	next := maps.Clone(vars)
	if len(vars) > 0 {
		next[given] = strings.Join(sorted(vars), " ")
	}
	for name := range next {
		delete(e.gone, name)
	}
	e.machine = next
	e.version++
}

func (e *environment) all() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.vars)
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func writeWhole(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := own.Write(path+".new", data); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Give has every shell, job and terminal begin its next command with these variables, until others are given.
func (s *Sessions) Give(vars map[string]string) { s.config.environment.give(vars) }

func (s *Sessions) getEnvironment(http.ResponseWriter, *http.Request) (any, error) {
	return map[string]any{"vars": s.config.environment.all()}, nil
}

func (s *Sessions) putEnvironment(_ http.ResponseWriter, r *http.Request) (any, error) {
	var body struct {
		Set   map[string]string `json:"set"`
		Unset []string          `json:"unset"`
	}
	if err := wire.Body(r, maxBodyBytes, &body); err != nil {
		return nil, err
	}
	if err := s.config.environment.change(body.Set, body.Unset); err != nil {
		return nil, err
	}
	return s.getEnvironment(nil, nil)
}
