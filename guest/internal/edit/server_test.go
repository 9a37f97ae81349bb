package edit

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
)

// ask sends a request to the handlers as the server does.
func ask(method, route, query string, body []byte) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	Register(mux)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(method, "/v1/files/"+route+"?"+query, bytes.NewReader(body)))
	return answer
}

type answered struct {
	Status                                           int
	Code, Message, Type                              string
	Replaced, FirstLines                             []int
	TotalLines, FirstLine, InsertedLines, Size, Mode int
	Context                                          struct {
		Index, Matches int
		Lines          []int
		Difference     string
		Closest        *closest
	}
}

func post(t testing.TB, route, path string, request any) (got answered) {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	answer := ask("POST", route, "path="+url.QueryEscape(path), body)
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v in %.200q", err, answer.Body)
	}
	got.Status = answer.Code
	return got
}

type change map[string]any

func replaceIn(t testing.TB, path string, changes ...change) answered {
	t.Helper()
	return post(t, "replace", path, map[string]any{"replacements": changes})
}

func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

// has expects exactly this content, and nothing else beside the file.
func has(t testing.TB, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("expected %.300q, got %.300q, %v", want, got, err)
	}
	if beside, _ := filepath.Glob(filepath.Dir(path) + "/.lms-*"); len(beside) > 0 {
		t.Errorf("left behind: %q", beside)
	}
}

func readLines(t testing.TB, path, query string) (string, http.Header) {
	t.Helper()
	answer := ask("GET", "lines", "path="+url.QueryEscape(path)+query, nil)
	body, _ := io.ReadAll(answer.Body)
	if answer.Code != 200 {
		t.Fatalf("%s: %d %s", query, answer.Code, body)
	}
	return string(body), answer.Header()
}

func repeat(n int, line func(int) string) string {
	var text strings.Builder
	for i := range n {
		text.WriteString(line(i))
	}
	return text.String()
}
