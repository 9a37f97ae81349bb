package life

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzKept: the file is the guest's to write. It can have the machine live longer or shorter, within the bounds of a request, and no more.
func FuzzKept(f *testing.F) {
	for _, seed := range []string{`{"made":"x","idleStopMs":5}`, `{"made":"x","idleStopMs":-5}`, `{"made":"x","idleStopMs":9223372036854775807}`, `{"made":"y","idleStopMs":5}`, "{", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := &Life{options: Options{Made: "x", StateDir: t.TempDir()}, idleStop: time.Hour}
		if err := os.WriteFile(filepath.Join(l.options.StateDir, "life.json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		l.recall()
		if l.idleStop < 0 || l.idleStop > maxIdleStop {
			t.Fatalf("%q: %s", data, l.idleStop)
		}
	})
}
