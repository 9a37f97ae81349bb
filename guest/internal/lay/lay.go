// Package lay is for tests alone: machines as files tell of them.
package lay

import (
	"os"
	"path/filepath"
	"testing"
)

// Root makes a root directory with these files.
func Root(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		at := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
