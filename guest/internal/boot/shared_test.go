package boot

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestACopyIsForAllUntilTheHostChanges(t *testing.T) {
	source, copies := t.TempDir(), filepath.Join(t.TempDir(), "copies")
	put := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	put("public", "one", 0o644)
	put("private", "secret", 0o600)
	put("passwd", "its own", 0o644)
	if _, err := shareConfiguration(source, copies); err == nil {
		t.Fatal("expected no copy of what was changed a moment ago")
	}
	time.Sleep(settledAfter + 100*time.Millisecond)
	first := hold(t, source, copies)
	again := hold(t, source, copies)
	if again.Name() != first.Name() {
		t.Fatalf("expected %s again, got %s", first.Name(), again.Name())
	}
	entries, _ := os.ReadDir(first.Name())
	if len(entries) != 1 || entries[0].Name() != "public" {
		t.Fatalf("expected what everybody may read and is no machine's own, got %v", entries)
	}

	put("public", "two", 0o644)
	time.Sleep(settledAfter + 100*time.Millisecond)
	second := hold(t, source, copies)
	if second.Name() == first.Name() {
		t.Fatal("expected another copy after a change")
	}
	if text, _ := os.ReadFile(filepath.Join(first.Name(), "public")); string(text) != "one" {
		t.Fatalf("expected the copy that is held to stay, got %q", text)
	}
	first.Close()
	again.Close()
	_ = os.Chmod(filepath.Join(source, "public"), 0o600)
	time.Sleep(settledAfter + 100*time.Millisecond)
	third := hold(t, source, copies)
	if entries, _ := os.ReadDir(third.Name()); len(entries) != 0 {
		t.Fatalf("expected nothing of what has become private, got %v", entries)
	}
	if left, _ := os.ReadDir(copies); len(left) != 2 {
		t.Fatalf("expected those that are held alone, got %v", left)
	}
}

func hold(t *testing.T, source, copies string) *os.File {
	t.Helper()
	held, err := shareConfiguration(source, copies)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Close() })
	return held
}
