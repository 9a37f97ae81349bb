package egress

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// machine is an agent with nothing but its way out, behind a real HTTP/2 server without TLS, as the host speaks to it.
type machine struct {
	t      *testing.T
	client *http.Client
	url    string
	now    status

	changes atomic.Int32 // that carriers were told of

	mu   sync.Mutex
	vars map[string]string
}

func start(t *testing.T, asked string) *machine {
	m := &machine{t: t}
	mux := http.NewServeMux()
	egress := New(t.TempDir()+"/egress", func(vars map[string]string) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.vars = vars
	})
	egress.Register(mux)
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	m.client, m.url = &http.Client{Transport: transport}, server.URL
	t.Cleanup(func() {
		m.put(`{"on":false}`)
		transport.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	m.now = m.put(asked)
	return m
}

func (m *machine) put(body string) (now status) {
	m.t.Helper()
	request, _ := http.NewRequest("PUT", m.url+"/v1/egress", strings.NewReader(body))
	response, err := m.client.Do(request)
	if err != nil {
		m.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		m.t.Fatalf("%d: %s", response.StatusCode, text)
	}
	_ = json.NewDecoder(response.Body).Decode(&now)
	return now
}

// carrier joins as a host process. said is what it answers to an announcement; "" accepts and echoes in capitals.
func (m *machine) carrier(said func(announcement) string) (leave func()) {
	m.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	request, _ := http.NewRequestWithContext(ctx, "POST", m.url+"/v1/egress", reader)
	response, err := m.client.Do(request)
	if err != nil {
		m.t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			var a announcement
			_ = json.Unmarshal(lines.Bytes(), &a)
			if a.ID == "" {
				m.changes.Add(1)
				continue
			}
			if answer := said(a); answer != "" {
				_, _ = fmt.Fprintln(writer, answer)
				continue
			}
			go m.shout(a.ID)
		}
	}()
	m.t.Cleanup(func() { cancel(); writer.Close() })
	return func() { cancel(); writer.Close() }
}

// shout carries a connection whose far end answers in capitals and ends when its client does.
func (m *machine) shout(id string) {
	reader, writer := io.Pipe()
	response, err := m.client.Post(m.url+"/v1/egress/"+id, "", reader)
	if err != nil {
		return
	}
	defer response.Body.Close()
	defer writer.Close()
	for {
		var header [4]byte
		if _, err := io.ReadFull(response.Body, header[:]); err != nil {
			return
		}
		size := int(header[2])<<8 | int(header[3])
		if size == 0 {
			writer.Close()
			_, _ = io.Copy(io.Discard, response.Body)
			return
		}
		part := make([]byte, size)
		if _, err := io.ReadFull(response.Body, part); err != nil {
			return
		}
		_, _ = writer.Write(bytes.ToUpper(part))
	}
}

// dial speaks to the proxy.
func (m *machine) dial(send string) (*net.TCPConn, *bufio.Reader) {
	m.t.Helper()
	address, _ := url.Parse(m.now.Proxy)
	conn, err := net.Dial("tcp", address.Host)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, send)
	return conn.(*net.TCPConn), bufio.NewReader(conn)
}

func (m *machine) request(send string) *http.Response {
	m.t.Helper()
	_, reader := m.dial(send)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	return response
}

const toExample = "CONNECT example.org:443 HTTP/1.1\r\n\r\n"

func TestNobodyToCarry(t *testing.T) {
	m := start(t, `{"on":true}`)
	response := m.request(toExample)
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != 503 || !strings.Contains(string(text), "none is connected") {
		t.Fatalf("got %s: %s", response.Status, text)
	}
}

func TestEachIsCarriedOnce(t *testing.T) {
	m := start(t, `{"on":true}`)
	var mu sync.Mutex
	seen := map[string]int{}
	for range 3 {
		m.carrier(func(a announcement) string {
			mu.Lock()
			defer mu.Unlock()
			seen[a.ID]++
			return ""
		})
	}
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			conn, reader := m.dial(toExample + "hello")
			response, err := http.ReadResponse(reader, nil)
			if err != nil || response.StatusCode != 200 {
				t.Errorf("got %v, %v", response, err)
				return
			}
			_ = conn.CloseWrite()
			if text, err := io.ReadAll(reader); string(text) != "HELLO" || err != nil {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
	clients.Wait()
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 20 {
		t.Fatalf("expected 20 connections, got %v", seen)
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s was announced %d times", id, times)
		}
	}
}

func TestRefused(t *testing.T) {
	m := start(t, `{"on":true}`)
	m.carrier(func(a announcement) string {
		return fmt.Sprintf(`{"id":%q,"refuse":{"status":403,"reason":"not\r\nallowed","text":"ask the user"}}`, a.ID)
	})
	response := m.request(toExample)
	text, _ := io.ReadAll(response.Body)
	if response.Status != "403 not  allowed" || string(text) != "ask the user" {
		t.Fatalf("got %s: %s", response.Status, text)
	}
	_, reader := m.dial("\x05\x01\x00\x05\x01\x00\x03\x0bexample.org\x01\xbb")
	reply := make([]byte, 4)
	if _, err := io.ReadFull(reader, reply); err != nil || reply[3] != socksRefused {
		t.Fatalf("got %v, %v", reply, err)
	}
}

func TestPassedOnAndLeft(t *testing.T) {
	m := start(t, `{"on":true}`)
	leave := m.carrier(func(a announcement) string { return `{"id":"` + a.ID + `","pass":true}` })
	m.carrier(func(announcement) string { return "" })
	if response := m.request(toExample); response.StatusCode != 200 {
		t.Fatal(response.Status)
	}
	leave()
	if response := m.request(toExample); response.StatusCode != 200 {
		t.Fatal(response.Status)
	}
}

func TestACarrierThatStandsStill(t *testing.T) {
	m := start(t, `{"on":true}`)
	still := make(chan struct{})
	t.Cleanup(func() { close(still) })
	m.carrier(func(announcement) string { <-still; return "{}" })
	m.carrier(func(announcement) string { return "" })
	if response := m.request(toExample); response.StatusCode != 200 {
		t.Fatal(response.Status)
	}
}

func TestEveryCarrierIsToldOfAChange(t *testing.T) {
	m := start(t, `{"on":true}`)
	m.carrier(func(announcement) string { return "" })
	m.carrier(func(announcement) string { return "" })
	m.put(`{"on":true}`) // what changed are the host's rules, which are not told here
	for began := time.Now(); m.changes.Load() < 2; time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("expected both to be told, got %d", m.changes.Load())
		}
	}
}

func TestSocksAndHTTPAreToldApart(t *testing.T) {
	m := start(t, `{"on":true}`)
	asked := make(chan announcement, 3)
	m.carrier(func(a announcement) string { asked <- a; return "" })
	m.dial("\x05\x01\x00\x05\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\x00\x50")
	if a := <-asked; a.Via != "socks" || a.Host != "::ffff:127.0.0.1" || a.Port != 80 {
		t.Fatalf("got %+v", a)
	}
	m.dial("GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n")
	if a := <-asked; a.Via != "http" || a.Host != "" {
		t.Fatalf("got %+v", a)
	}
}

func TestPortsAndVariables(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	m := start(t, fmt.Sprintf(`{"on":true,"trust":"PEM","env":{"TOKEN":"x"},"ports":[{"port":%d,"host":"somewhere","hostPort":99}]}`, port))
	asked := make(chan announcement, 1)
	m.carrier(func(a announcement) string { asked <- a; return "" })
	conn, err := net.Dial("tcp", loopback(port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if a := <-asked; a.Via != "port" || a.Host != "somewhere" || a.Port != 99 {
		t.Fatalf("got %+v", a)
	}
	if text, err := os.ReadFile(m.vars["SSL_CERT_FILE"]); !strings.HasPrefix(string(text), "PEM") || err != nil || m.vars["TOKEN"] != "x" {
		t.Fatalf("got %q, %v", text, err)
	}
	m.put(`{"on":false}`)
	if m.vars != nil {
		t.Fatalf("expected no variables, got %v", m.vars)
	}
	address, _ := url.Parse(m.now.Proxy)
	if conn, err := net.Dial("tcp", address.Host); err == nil {
		conn.Close()
		t.Fatal("it still listens")
	}
}
