// Package server is the life of the agent in a machine: it owns sessions, terminals and files, and serves the guest protocol.
package server

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/archive"
	"lms-computer/guest/internal/edit"
	"lms-computer/guest/internal/egress"
	"lms-computer/guest/internal/files"
	"lms-computer/guest/internal/info"
	"lms-computer/guest/internal/life"
	"lms-computer/guest/internal/machine"
	"lms-computer/guest/internal/process"
	"lms-computer/guest/internal/quota"
	"lms-computer/guest/internal/search"
	"lms-computer/guest/internal/session"
	"lms-computer/guest/internal/shared"
	"lms-computer/guest/internal/system"
	"lms-computer/guest/internal/terminal"
	"lms-computer/guest/internal/tree"
	"lms-computer/guest/internal/tunnel"
	"lms-computer/guest/internal/wire"
)

// Generation of the protocol. See docs/protocol.md.
const Generation = 1

// Options say where the agent lives in its machine.
type Options struct {
	Version  string
	Socket   string // path of the socket to make
	ListenFD int    // or a listening socket that was handed over; -1: none
	RunDir   string
	SpoolDir string
	StateDir string
	Home     string
	// Life says when the agent ends by itself; what is missing is filled in.
	Life    life.Options
	User    string   // whom the machine works for: a name or UID[:GID]
	Folders []string // of the host's, that can be written
	// DiskBytes is what the machine may write, where no file system keeps that; 0 is no limit.
	DiskBytes int64
}

// Serve runs the agent until a TERM.
func Serve(o Options) error {
	// Little memory matters more than throughput of the collector: many machines share a host.
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(64 << 20)
	// Most of a call is waiting for the shell. One thread at a time spares the waking of others: 20 % of a round trip.
	runtime.GOMAXPROCS(1)
	reserveThreads()
	survive()
	process.Reap()
	syscall.Umask(0o022)
	// A guest process of the same user may otherwise trace the agent and read its memory.
	const prSetDumpable = 4
	_, _, _ = syscall.Syscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0)

	listener, err := listen(o)
	if err != nil {
		return err
	}
	for _, dir := range []string{o.RunDir, o.SpoolDir} {
		if err := makeDirectory(dir); err != nil {
			return err
		}
	}
	clear(o.RunDir, o.Socket)
	clear(o.SpoolDir, "")
	account.Use(o.User)
	makeHome(o.Home)
	if os.Getpid() == 1 {
		nameLoopback("/etc/hosts")
	}
	folders := shared.Watch(o.Folders)
	disk := quota.New(o.DiskBytes, "/", o.StateDir, o.Folders)

	env := environment(o.Home, account.Current().Name)
	shell := session.FindShell(os.Getenv("LMS_SHELL"))
	var living *life.Life
	config := session.Config{
		Active: func() { living.Touch() }, OOMKills: func() uint64 { return machine.OOMKills("/") }, Ended: folders.Settle,
		RunDir: o.RunDir, SpoolDir: o.SpoolDir, StateDir: o.StateDir, Home: o.Home, Shell: shell, Env: env,
	}
	sessions := session.New(config)
	terminals := terminal.New(config, sessions.State)
	o.Life.StateDir = o.StateDir
	o.Life.Busy = func() bool { return sessions.Busy() || terminals.Busy() }
	o.Life.End = func() { sessions.Keep(); folders.Settle(); os.Exit(0) }
	living = life.New(o.Life)
	mux := http.NewServeMux()
	sessions.Register(mux)
	terminals.Register(mux)
	requests := account.Handler(fileRequests())
	writing := disk.Handler(folders.Handler(requests))
	mux.Handle("/v1/files/", writing)
	mux.Handle("/v1/archive/", writing)
	mux.Handle("/v1/search", requests)
	info.Register(mux, o.Home, shell)
	system.Register(mux, o.Home, disk.Usage)
	tunnel.Register(mux)
	living.Register(mux)
	egress.New(filepath.Join(o.RunDir, "egress"), sessions.Give).Register(mux)
	boot := make([]byte, 8)
	_, _ = rand.Read(boot)
	hello := map[string]any{
		"generation": Generation, "version": o.Version, "boot": hex.EncodeToString(boot), "shell": shell, "arch": runtime.GOARCH, "pid": os.Getpid(),
	}
	tree.Register(mux)
	mux.HandleFunc("GET /v1/hello", func(w http.ResponseWriter, _ *http.Request) {
		answer := maps.Clone(hello)
		answer["idleStopMs"] = living.IdleStop()
		wire.Reply(w, answer)
	})
	mux.HandleFunc("/", notSupported)
	go sessions.Warm()
	go stopOnSignal(func() { sessions.Keep(); folders.Settle() })
	server := newServer(living.Count(mux))
	server.ConnContext, server.ConnState = living.Context, living.State
	if o.ListenFD < 0 {
		go listenAgain(o.Socket, func(another net.Listener) { go func() { _ = server.Serve(another) }() })
	}
	return server.Serve(listener)
}

// fileRequests are those that act as the user.
func fileRequests() *http.ServeMux {
	mux := http.NewServeMux()
	files.Register(mux)
	edit.Register(mux)
	search.Register(mux)
	archive.Register(mux)
	mux.HandleFunc("/", notSupported)
	return mux
}

func notSupported(w http.ResponseWriter, r *http.Request) {
	wire.Fail(w, wire.Errorf("not_supported", "this agent has no %s %q", r.Method, r.URL.Path))
}

// makeHome makes the home if it is missing, and gives it to the user unless it is somebody's already.
func makeHome(path string) {
	_ = os.MkdirAll(path, 0o755)
	home, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer home.Close()
	if info, err := home.Stat(); err == nil && info.Sys().(*syscall.Stat_t).Uid == 0 {
		_ = account.Give(home)
	}
}

func newServer(handler http.Handler) *http.Server {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:        handler,
		Protocols:      &protocols,
		MaxHeaderBytes: 64 << 10,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          4096,
			MaxReadFrameSize:              1 << 20,
			MaxReceiveBufferPerConnection: 16 << 20,
			MaxReceiveBufferPerStream:     4 << 20,
		},
	}
}

// makeDirectory puts a directory where the guest may have put something else meanwhile: that must not keep the machine from starting.
func makeDirectory(path string) error {
	if info, err := os.Lstat(path); err == nil && !info.IsDir() {
		_ = os.Remove(path)
	}
	return os.MkdirAll(path, 0o711)
}

// clear removes what an earlier boot left: FIFOs, scripts, logs.
func clear(dir, except string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if path := filepath.Join(dir, entry.Name()); path != except {
			_ = os.RemoveAll(path)
		}
	}
}

// environment of a new session: that of the machine, with what a shell can not do without.
func environment(home, user string) []string {
	env := []string{}
	seen := map[string]bool{}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		// A session is no terminal: programs must not be led to colours and cursor movements.
		if strings.HasPrefix(name, "LMS_") || name == "TERM" {
			continue
		}
		seen[name] = true
		env = append(env, entry)
	}
	for _, fallback := range [][2]string{
		{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", home}, {"LANG", "C.UTF-8"}, {"USER", user}, {"TERM", "dumb"},
	} {
		if !seen[fallback[0]] {
			env = append(env, fallback[0]+"="+fallback[1])
		}
	}
	return env
}
