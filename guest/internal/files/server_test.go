package files

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// guest is the handlers behind a real HTTP/2 server without TLS, as the host speaks to them.
type guest struct {
	t      testing.TB
	client *http.Client
	url    string
}

func serve(t testing.TB) *guest {
	mux := http.NewServeMux()
	Register(mux)
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &guest{t, &http.Client{Transport: transport, Timeout: 30 * time.Second}, server.URL}
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

func (g *guest) send(method, route string, query map[string]string, body io.Reader) (reply, error) {
	g.t.Helper()
	values := url.Values{}
	for name, value := range query {
		values.Set(name, value)
	}
	request, err := http.NewRequest(method, g.url+"/v1/files/"+route+"?"+values.Encode(), body)
	if err != nil {
		g.t.Fatal(err)
	}
	response, err := g.client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	if response.ProtoMajor != 2 {
		g.t.Fatalf("expected HTTP/2, got %s", response.Proto)
	}
	content, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, content}, err
}

var methods = map[string]string{"stat": "GET", "list": "GET", "read": "GET", "write": "PUT", "mkdir": "POST", "remove": "POST", "move": "POST", "copy": "POST"}

// q makes a query from name, value, name, value.
func q(pairs ...string) map[string]string {
	query := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		query[pairs[i]] = pairs[i+1]
	}
	return query
}

// ok expects success and gives the body.
func (g *guest) ok(route string, query map[string]string, body string) reply {
	g.t.Helper()
	answer, err := g.send(methods[route], route, query, strings.NewReader(body))
	if err != nil {
		g.t.Fatalf("%s %v: %v", route, query, err)
	}
	if answer.status != 200 {
		g.t.Fatalf("%s %v: %d %s", route, query, answer.status, answer.body)
	}
	return answer
}

// entry is ok for what answers an entry.
func (g *guest) entry(route string, query map[string]string, body string) Entry {
	g.t.Helper()
	var e Entry
	answer := g.ok(route, query, body)
	if err := json.Unmarshal(answer.body, &e); err != nil {
		g.t.Fatalf("%s: %v in %q", route, err, answer.body)
	}
	return e
}

// fails expects an error with a code, and within a second: nothing may block.
func (g *guest) fails(code, route string, query map[string]string, body string) {
	g.t.Helper()
	began := time.Now()
	answer, err := g.send(methods[route], route, query, strings.NewReader(body))
	if err != nil {
		g.t.Fatalf("%s %v: %v", route, query, err)
	}
	var got struct{ Code, Message string }
	if err := json.Unmarshal(answer.body, &got); err != nil || answer.status < 400 || got.Code != code {
		g.t.Errorf("%s %q: expected %s, got %d %q", route, query, code, answer.status, answer.body)
	}
	if took := time.Since(began); took > time.Second {
		g.t.Errorf("%s %q: took %s", route, query, took)
	}
}

func put(t testing.TB, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func has(t testing.TB, path, content string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	} else if !bytes.Equal(got, []byte(content)) {
		t.Errorf("%q: expected %.80q, got %.80q (%d bytes)", path, content, got, len(got))
	}
}

// holds expects exactly these names: no temporary file is left.
func holds(t testing.TB, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, "|") != strings.Join(names, "|") {
		t.Errorf("%s: expected %q, got %q", dir, names, got)
	}
}
