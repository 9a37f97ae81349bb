package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzHashes: one line for each path, in their order; what is no readable file has none.
func FuzzHashes(f *testing.F) {
	file := filepath.Join(f.TempDir(), "file")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		f.Fatal(err)
	}
	sum := sha256.Sum256([]byte("content"))
	for _, body := range []string{"", "\x00", "/nowhere\x00/dev/zero\x00", "/\xff\n\x00", "no end", "/proc/self/mem\x00", strings.Repeat("/\x00", 100)} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.Contains(body, []byte("/proc")) || bytes.Contains(body, []byte("/sys")) {
			return // answers otherwise each time
		}
		w := httptest.NewRecorder()
		whole := append(bytes.Clone(body), "\x00"+file+"\x00"...)
		hashes(w, httptest.NewRequest(http.MethodPost, "/v1/tree/hashes", bytes.NewReader(whole)))
		lines := strings.Split(strings.TrimSuffix(w.Body.String(), "\n"), "\n")
		if len(lines) != bytes.Count(whole, []byte{0}) || lines[len(lines)-1] != hex.EncodeToString(sum[:]) {
			t.Fatalf("%q: %q", whole, lines)
		}
		for _, line := range lines {
			if line != "-" && len(line) != 64 {
				t.Fatalf("%q: %q", whole, line)
			}
		}
	})
}
