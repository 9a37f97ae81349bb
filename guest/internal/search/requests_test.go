package search

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// FuzzRequest: any body is answered, with an error or with lines that the host can read, as many as were asked for at most, and a summary at their end.
func FuzzRequest(f *testing.F) {
	root := f.TempDir()
	for name, content := range map[string]string{"a.txt": "one\ntwo\r\n\xffthree\n", ".hidden/b": "one\n", ".gitignore": "*.log\n", "c.log": "one one\n", "sub/d": "\x00one"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			f.Fatal(err)
		}
	}
	for _, body := range []string{
		`{"pattern":"one"}`, `{"pattern":"o(","literal":true}`, `{"pattern":"(","ignoreCase":true}`, `{"pattern":"","glob":["*.txt","!a*"],"context":2}`,
		`{"pattern":"one","maxResults":1,"hidden":false,"all":true,"gitignore":true}`, `{"pattern":"x","glob":["{a,b","[","**/**"]}`, `{"pattern":"x","maxResults":0}`, `[]`, "",
		`{"pattern":"(?:a{1000}){1000}"}`, `{"pattern":"\\x{10ffff}$"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		asked := map[string]any{}
		if json.Unmarshal(body, &asked) != nil || len(body) > 500 {
			return
		}
		// Its own path alone: the machine's are many.
		for name := range asked {
			if bytes.EqualFold([]byte(name), []byte("path")) {
				delete(asked, name)
			}
		}
		asked["path"] = root
		sent, _ := json.Marshal(asked)
		w := httptest.NewRecorder()
		mux := http.NewServeMux()
		Register(mux)
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/search", bytes.NewReader(sent)))
		if w.Code != http.StatusOK {
			var failed struct{ Code, Message string }
			if json.Unmarshal(w.Body.Bytes(), &failed) != nil || failed.Code == "" || failed.Code == "internal" {
				t.Fatalf("%s: %d %s", sent, w.Code, w.Body)
			}
			return
		}
		matches, ended := 0, false
		for lines := bufio.NewScanner(w.Body); lines.Scan(); {
			var line struct {
				Type, Path           string
				Line, Column, Length int
				Matches              int
			}
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil || ended {
				t.Fatalf("%s: %v in %q", sent, err, lines.Text())
			}
			switch line.Type {
			case "match":
				if matches++; line.Line < 1 || line.Column < 1 || line.Length < 0 || filepath.Dir(line.Path) == "." {
					t.Fatalf("%s: %q", sent, lines.Text())
				}
			case "summary":
				if ended = true; line.Matches != matches {
					t.Fatalf("%s: %d matches, and it says %q", sent, matches, lines.Text())
				}
			}
		}
		if !ended {
			t.Fatalf("%s: no summary", sent)
		}
	})
}
