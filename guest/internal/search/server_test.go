package search

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ask sends a request to the handlers as the server does.
func ask(method, route string, body []byte) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	Register(mux)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(method, "/v1/"+route, bytes.NewReader(body)))
	return answer
}

type fields map[string]any

// found is a line of the answer: a match, or context of one.
type found struct {
	Type       string `json:"type"`
	Path       string `json:"path"`
	PathBase64 string `json:"pathBase64"`
	Line       int    `json:"line"`
	Column     int    `json:"column"` // 1-based, in bytes
	Length     int    `json:"length"` // of the match, in bytes
	Text       string `json:"text"`
	CutBefore  int    `json:"cutBefore"` // bytes of the line that are not in text
	CutAfter   int    `json:"cutAfter"`
}

// find searches and gives what it found and the last line.
func find(t testing.TB, request fields) (all []found, end summary) {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	answer := ask("POST", "search", body)
	if answer.Code != 200 || answer.Header().Get("content-type") != "application/x-ndjson" {
		t.Fatalf("%v: %d %s", request, answer.Code, answer.Body)
	}
	lines := strings.Split(strings.TrimSuffix(answer.Body.String(), "\n"), "\n")
	for _, line := range lines[:len(lines)-1] {
		var one found
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, one)
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil || end.Type != "summary" {
		t.Fatalf("%v in %q", err, lines[len(lines)-1])
	}
	return all, end
}

// paths gives the files in which something was found, below dir.
func paths(t testing.TB, dir string, request fields) string {
	t.Helper()
	request["path"] = dir
	all, _ := find(t, request)
	var names []string
	for _, one := range all {
		if name := strings.TrimPrefix(one.Path, dir+"/"); len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// grow makes files from name, content, name, content.
func grow(t testing.TB, pairs ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(pairs); i += 2 {
		path := filepath.Join(dir, pairs[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(pairs[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
