package search

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestRefused(t *testing.T) {
	dir := grow(t, "f", "x")
	for _, c := range []struct {
		code     string
		request  fields
		position float64
	}{
		{"invalid_argument", fields{"pattern": "a(b", "path": dir}, 1},
		{"invalid_argument", fields{"pattern": "ab)", "path": dir}, 0},
		{"invalid_argument", fields{"pattern": "x(?=y)", "path": dir}, 1},
		{"invalid_argument", fields{"pattern": "ab[z-a]", "path": dir}, 3},
		{"invalid_argument", fields{"pattern": "a**", "path": dir}, 1},
		{"invalid_argument", fields{"pattern": "a\nb", "path": dir}, 1},
		{"invalid_argument", fields{"pattern": "", "path": dir}, -1},
		{"invalid_argument", fields{"pattern": "x", "path": "relative"}, -1},
		{"invalid_argument", fields{"pattern": "x", "path": dir, "maxResults": 0}, -1},
		{"invalid_argument", fields{"pattern": "x", "path": dir, "context": 21}, -1},
		{"invalid_argument", fields{"pattern": "x", "path": dir, "glob": []string{"[a"}}, 0},
		{"not_found", fields{"pattern": "x", "path": dir + "/missing"}, -1},
		{"not_a_file", fields{"pattern": "x", "path": "/dev/null"}, -1},
	} {
		body, _ := json.Marshal(c.request)
		answer := ask("POST", "search", body)
		var got struct {
			Code    string
			Context map[string]any
		}
		_ = json.Unmarshal(answer.Body.Bytes(), &got)
		if got.Code != c.code || c.position >= 0 && got.Context["position"] != c.position {
			t.Errorf("%v: %s", c.request, answer.Body)
		}
	}
}

func TestCancelAndThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	mux := http.NewServeMux()
	Register(mux)
	request := httptest.NewRequest("POST", "/v1/search", strings.NewReader(`{"pattern":"[a-z]{3}[0-9]{5}[a-z]{2}","path":"/usr"}`)).WithContext(ctx)
	began := time.Now()
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, request)
	if took := time.Since(began); took > 2*time.Second || strings.Contains(answer.Body.String(), "summary") {
		t.Errorf("took %s: %.100s", took, answer.Body)
	}
	if n := runtime.GOMAXPROCS(0); n != 1 {
		t.Errorf("%d threads are left", n)
	}
}
