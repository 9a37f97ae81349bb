// Package egress is a way out for a machine that has no network: a proxy on its loopback, each of whose connections a host process decides on
// and carries. Nothing here is a boundary: root of the guest can speak to the host in the agent's place. The rules are on the host.
package egress

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"

	"lms-computer/guest/internal/session"
	"lms-computer/guest/internal/wire"
)

const (
	proxyPort = 3128
	socksPort = 1080
	maxPorts  = 16
	// maxConnections bounds what their buffers take of the machine's memory: 32 MiB.
	maxConnections = 256
	maxTrustBytes  = 4 << 20
	maxBodyBytes   = maxTrustBytes + maxTrustBytes/4
)

// Egress is the way out of one machine. Off until a host turns it on.
type Egress struct {
	dir      string // of the files that programs are pointed to
	announce func(vars map[string]string)

	carriers carriers
	places   chan struct{} // one for each connection

	changing sync.Mutex // one change at a time
	mu       sync.Mutex
	now      status
	open     []net.Listener
	conns    map[net.Conn]bool
	asked    order
}

// order is what a host asks for.
type order struct {
	On    bool   `json:"on"`
	Trust string `json:"trust"`
	Ports []port `json:"ports"`
	// Env are further variables of every shell.
	Env map[string]string `json:"env"`
}

// port is one of the machine's loopback that leads to a place outside, for programs that know no proxy.
type port struct {
	Port     int    `json:"port"`
	Host     string `json:"host"`
	HostPort int    `json:"hostPort"`
}

type status struct {
	On      bool   `json:"on"`
	Proxy   string `json:"proxy,omitempty"`
	Socks   string `json:"socks,omitempty"`
	Skipped []int  `json:"skipped,omitempty"`
}

// New makes the way out. Programs are pointed to files in dir; announce is told the variables that every shell is to have, nil for none.
func New(dir string, announce func(vars map[string]string)) *Egress {
	return &Egress{dir: dir, announce: announce, places: make(chan struct{}, maxConnections), conns: map[net.Conn]bool{}}
}

// Register adds the routes to mux.
func (e *Egress) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/egress", wire.Handler(func(http.ResponseWriter, *http.Request) (any, error) { return e.status(), nil }))
	mux.HandleFunc("PUT /v1/egress", wire.Handler(e.put))
	mux.HandleFunc("POST /v1/egress", wire.Handler(e.carriers.carry))
	mux.HandleFunc("POST /v1/egress/{id}", wire.Handler(e.carriers.accept))
}

func (e *Egress) status() status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

func (e *Egress) put(_ http.ResponseWriter, r *http.Request) (any, error) {
	var asked order
	if err := wire.Body(r, maxBodyBytes, &asked); err != nil {
		return nil, err
	}
	if err := asked.validate(); err != nil {
		return nil, err
	}
	e.changing.Lock()
	defer e.changing.Unlock()
	defer e.carriers.tellChanged()
	// Every host that connects asks; what is so already stays, and so do the connections.
	if now := e.status(); now.On == asked.On && asked.equal(e.asked) {
		return now, e.restore(now, asked)
	}
	e.close()
	now := status{}
	if asked.On {
		var err error
		if now, err = e.listen(asked.Ports); err != nil {
			e.close()
			e.announce(nil)
			return nil, err
		}
		vars, err := e.variables(now, asked)
		if err != nil {
			e.close()
			e.announce(nil)
			return nil, err
		}
		e.announce(vars)
	} else {
		e.announce(nil)
	}
	e.mu.Lock()
	e.now, e.asked = now, asked
	e.mu.Unlock()
	return now, nil
}

// restore writes the files again when the guest has deleted them.
func (e *Egress) restore(now status, asked order) error {
	if asked.Trust == "" {
		return nil
	}
	if _, err := os.Lstat(e.trustPath()); err == nil {
		return nil
	}
	_, err := e.variables(now, asked)
	return err
}

func (o order) validate() error {
	if len(o.Trust) > maxTrustBytes {
		return wire.Errorf("too_large", "expected certificates of at most %d bytes, got %d", maxTrustBytes, len(o.Trust))
	}
	if len(o.Ports) > maxPorts {
		return wire.Errorf("invalid_argument", "expected at most %d ports, got %d", maxPorts, len(o.Ports))
	}
	for _, p := range o.Ports {
		if p.Port < 1 || p.Port > 65535 || p.HostPort < 1 || p.HostPort > 65535 || !validHost(p.Host) {
			return wire.Errorf("invalid_argument", "expected ports from 1 to 65535 and a host, got %d, %q, %d", p.Port, p.Host, p.HostPort)
		}
	}
	return session.ValidEnv(o.Env)
}

func (o order) equal(other order) bool {
	return o.Trust == other.Trust && slices.Equal(o.Ports, other.Ports) && maps.Equal(o.Env, other.Env)
}

// listen opens the listeners. A port that something else has is replaced by any other: programs learn it from their environment.
func (e *Egress) listen(ports []port) (status, error) {
	proxy, err := listenNear(proxyPort)
	if err != nil {
		return status{}, err
	}
	e.serve(proxy, e.proxy)
	socks, err := listenNear(socksPort)
	if err != nil {
		return status{}, err
	}
	e.serve(socks, e.proxy)
	now := status{On: true, Proxy: "http://" + proxy.Addr().String(), Socks: "socks5h://" + socks.Addr().String()}
	for _, p := range ports {
		listener, err := net.Listen("tcp", loopback(p.Port))
		if err != nil {
			now.Skipped = append(now.Skipped, p.Port)
			continue
		}
		e.serve(listener, func(conn *net.TCPConn) {
			e.carriers.offer(newConnection(conn, conn, announcement{Via: "port", Host: p.Host, Port: p.HostPort}))
		})
	}
	return now, nil
}

func listenNear(port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", loopback(port))
	if err != nil {
		listener, err = net.Listen("tcp", loopback(0))
	}
	if err != nil {
		return nil, wire.FromOS(err, loopback(port))
	}
	return listener, nil
}

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// serve runs for every connection, and closes it afterwards. Beyond the bound a connection waits in the kernel's queue.
func (e *Egress) serve(listener net.Listener, run func(*net.TCPConn)) {
	e.mu.Lock()
	e.open = append(e.open, listener)
	e.mu.Unlock()
	go func() {
		for {
			e.places <- struct{}{}
			conn, err := listener.Accept()
			if err != nil {
				<-e.places
				if errors.Is(err, net.ErrClosed) {
					return
				}
				continue
			}
			e.mu.Lock()
			e.conns[conn] = true
			e.mu.Unlock()
			go func() {
				defer func() {
					conn.Close()
					e.mu.Lock()
					delete(e.conns, conn)
					e.mu.Unlock()
					<-e.places
				}()
				run(conn.(*net.TCPConn))
			}()
		}
	}()
}

// close ends the listeners and every connection.
func (e *Egress) close() {
	e.mu.Lock()
	listeners := e.open
	for conn := range e.conns {
		_ = conn.Close()
	}
	e.open, e.now, e.asked = nil, status{}, order{}
	e.mu.Unlock()
	for _, listener := range listeners {
		_ = listener.Close()
	}
}
