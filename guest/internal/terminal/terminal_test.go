package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"lms-computer/guest/internal/process"
	"lms-computer/guest/internal/session"
)

// Programs are started through the agent's own binary, which here is the test's.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "become" {
		fmt.Fprintln(os.Stderr, process.Become(os.Args[2:]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

type guest struct {
	t   *testing.T
	url string
}

func start(t *testing.T) *guest {
	t.Helper()
	dir := t.TempDir()
	config := session.Config{RunDir: dir, SpoolDir: dir, Home: dir, Shell: session.FindShell(""), Env: []string{"PATH=/usr/bin:/bin", "HOME=" + dir}}
	terminals := New(config, func(string) (string, []byte) { return "/tmp", []byte("export FROM='the session'\n") })
	mux := http.NewServeMux()
	terminals.Register(mux)
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(func() {
		for _, one := range terminals.all() {
			terminals.byName[one.Name].hangUp()
		}
		server.CloseClientConnections()
	})
	return &guest{t, server.URL}
}

var client = func() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}()

func (g *guest) call(method, path string, body any) state {
	g.t.Helper()
	data, _ := json.Marshal(body)
	request, _ := http.NewRequest(method, g.url+path, bytes.NewReader(data))
	response, err := client.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	defer response.Body.Close()
	var s state
	text, _ := io.ReadAll(response.Body)
	if err := json.Unmarshal(text, &s); err != nil || response.StatusCode != 200 {
		g.t.Fatalf("%s %s: %d %s", method, path, response.StatusCode, text)
	}
	return s
}

// attach returns the keyboard and the screen.
func (g *guest) attach(name string) (io.WriteCloser, io.ReadCloser) {
	g.t.Helper()
	keys, typed := io.Pipe()
	request, _ := http.NewRequest("POST", g.url+"/v1/terminals/"+name+"/attach", keys)
	response, err := client.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	return typed, response.Body
}

// until reads the screen until it shows text.
func until(t *testing.T, screen io.Reader, text string) string {
	t.Helper()
	found := make(chan string, 1)
	go func() {
		seen, buffer := "", make([]byte, 4096)
		for !strings.Contains(seen, text) {
			n, err := screen.Read(buffer)
			seen += string(buffer[:n])
			if err != nil {
				break
			}
		}
		found <- seen
	}()
	select {
	case seen := <-found:
		if !strings.Contains(seen, text) {
			t.Fatalf("expected %q on the screen, got %q", text, seen)
		}
		return seen
	case <-time.After(10 * time.Second):
		t.Fatalf("expected %q on the screen in time", text)
	}
	return ""
}

func TestShellInATerminal(t *testing.T) {
	g := start(t)
	if s := g.call("PUT", "/v1/terminals/one", map[string]any{"columns": 100, "rows": 30}); !s.Created || !s.Running || s.Columns != 100 {
		t.Fatalf("got %+v", s)
	}
	keys, screen := g.attach("one")
	_, _ = io.WriteString(keys, "stty size; tty; echo \"$PWD [$FROM]\" $((40+2))\n")
	seen := until(t, screen, "/tmp [the session] 42")
	if !strings.Contains(seen, "30 100") || !strings.Contains(seen, "/dev/pts/") {
		t.Errorf("got %q", seen)
	}
	g.call("PUT", "/v1/terminals/one/size", map[string]any{"columns": 120, "rows": 40})
	_, _ = io.WriteString(keys, "stty size\n")
	until(t, screen, "40 120")
	_, _ = io.WriteString(keys, "sleep 61\n")
	time.Sleep(200 * time.Millisecond)
	_, _ = io.WriteString(keys, "\x03echo interrupted$?\n")
	until(t, screen, "interrupted130")

	keys.Close() // detach
	_, _ = io.Copy(io.Discard, screen)
	if s := g.call("PUT", "/v1/terminals/one", map[string]any{}); s.Created || !s.Running {
		t.Fatalf("after detaching: got %+v", s)
	}
	keys, screen = g.attach("one")
	until(t, screen, "interrupted130") // what was shown before
	_, _ = io.WriteString(keys, "exit 7\n")
	rest, _ := io.ReadAll(screen)
	if s := g.call("PUT", "/v1/terminals/two", map[string]any{"command": "exit 3"}); !s.Created {
		t.Fatalf("got %+v after %q", s, rest)
	}
}

func TestProgramThatEnds(t *testing.T) {
	g := start(t)
	g.call("PUT", "/v1/terminals/p", map[string]any{"command": "head -c 300000 /dev/zero | tr '\\0' x; sleep 61 & exit 3"})
	keys, screen := g.attach("p")
	defer keys.Close()
	all, _ := io.ReadAll(screen)
	if len(all) == 0 {
		t.Fatal("the screen stayed empty")
	}
	response, err := client.Get(g.url + "/v1/terminals")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var list struct{ Terminals []state }
	_ = json.NewDecoder(response.Body).Decode(&list)
	if len(list.Terminals) != 1 || list.Terminals[0].Running || list.Terminals[0].ExitCode == nil || *list.Terminals[0].ExitCode != 3 {
		t.Fatalf("got %+v", list)
	}
}
