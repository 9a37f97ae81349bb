package quota

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const mebibyte = 1 << 20

func TestWhatComesWhileItMeasuresIsNotForgotten(t *testing.T) {
	root := t.TempDir()
	q := New(mebibyte, root, filepath.Join(root, "state"), nil)
	body := &counting{ReadCloser: io.NopCloser(io.LimitReader(zeros{}, 2*mebibyte)), quota: q}
	read := func(size int64) error {
		_, err := io.CopyN(io.Discard, body, size)
		return err
	}
	if err := read(mebibyte / 4); err != nil {
		t.Fatal(err)
	}
	q.mu.Lock()
	q.begin()
	measuring := q.measuring
	q.written.Add(mebibyte / 2) // as another request does
	q.mu.Unlock()
	<-measuring
	if got := q.written.Load(); got != mebibyte/2 {
		t.Errorf("expected what came since it began, %d, got %d", mebibyte/2, got)
	}
	// It looks again once before it refuses: what the other has written is nowhere.
	if err := read(mebibyte / 2); err != nil {
		t.Errorf("expected room, got %v", err)
	}
	if err := read(mebibyte); err == nil {
		t.Error("expected to be refused past the limit")
	}
}

func TestRequestsPastTheLimitAreRefused(t *testing.T) {
	root := t.TempDir()
	q := New(mebibyte, root, filepath.Join(root, "state"), []string{"/mnt/shared"})
	handler := q.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusInsufficientStorage)
		}
	}))
	for _, c := range []struct {
		path   string
		size   int64
		told   bool
		status int
	}{
		{"/v1/files/write?path=/a", mebibyte / 2, true, 200},
		{"/v1/files/write?path=/b", mebibyte, true, 507},
		{"/v1/files/write?path=/b", mebibyte, false, 507},
		{"/v1/files/write?path=/mnt/shared/b", 2 * mebibyte, true, 200},
		{"/v1/files/write?path=/mnt/shared/../b", 2 * mebibyte, true, 507},
	} {
		request := httptest.NewRequest("PUT", c.path, io.LimitReader(zeros{}, c.size))
		if request.ContentLength = -1; c.told {
			request.ContentLength = c.size
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != c.status {
			t.Errorf("%s, %d bytes: expected %d, got %d", c.path, c.size, c.status, answer.Code)
		}
	}
}

func TestACopyTakesTheRoomOfWhatIsCopied(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	q := New(mebibyte, root, filepath.Join(root, "state"), []string{outside})
	// As if it had been measured just now, and nothing had been written.
	q.next = time.Now().Add(time.Hour)
	for _, dir := range []string{root, outside} {
		if err := os.WriteFile(filepath.Join(dir, "f"), make([]byte, mebibyte*2/3), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	served := 0
	handler := q.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
	for _, c := range []struct {
		route, from, to string
		status          int
	}{
		{"move", root + "/f", root + "/g", 200},
		{"move", root + "/f", outside + "/g", 200},
		{"copy", root + "/f", outside + "/g", 200},
		{"copy", outside + "/f", root + "/g", 200},
		{"copy", root + "/f", root + "/h", 507},
		{"copy", root, root + "-h", 507},
		{"move", outside + "/f", root + "/h", 507},
	} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest("POST", "/v1/files/"+c.route+"?from="+c.from+"&to="+c.to, nil))
		if answer.Code != c.status {
			t.Errorf("%+v: got %d", c, answer.Code)
		}
	}
	if served != 4 {
		t.Errorf("expected 4 to be served, got %d", served)
	}
}

type zeros struct{}

func (zeros) Read(data []byte) (int, error) { clear(data); return len(data), nil }
