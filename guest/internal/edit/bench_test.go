package edit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// big is 60 MB of text like source, one line of which is unlike the others.
func big(t testing.TB) (path string, lines int) {
	block := repeat(1000, func(i int) string {
		return fmt.Sprintf("\tif value%d, err := compute(ctx, %d); err != nil { return nil, fmt.Errorf(\"step %d: %%w\", err) }\n", i%97, i*7919, i)
	})
	n := (60 << 20) / len(block)
	path = file(t, strings.Repeat(block, n)+"\tmarker := theOnlyOne(here)\n"+strings.Repeat(block, 10))
	return path, (n+10)*1000 + 1
}

func BenchmarkBigFile(b *testing.B) {
	path, _ := big(b)
	measure := func(name string, run func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				run()
			}
		})
	}
	measure("cp", func() {
		if err := exec.Command("cp", path, filepath.Dir(path)+"/copy").Run(); err != nil {
			b.Fatal(err)
		}
		os.Remove(filepath.Dir(path) + "/copy")
	})
	// What takes an edit's place must do this too: ext4 allocates and writes out a file that replaces another (auto_da_alloc).
	measure("cp-and-rename", func() {
		if err := exec.Command("cp", path, filepath.Dir(path)+"/copy").Run(); err != nil {
			b.Fatal(err)
		}
		if err := os.Rename(filepath.Dir(path)+"/copy", path); err != nil {
			b.Fatal(err)
		}
	})
	measure("replace", func() {
		if got := replaceIn(b, path, change{"old": "marker := theOnlyOne(here)", "new": "marker := theOnlyOne(here)"}); got.Status != 200 {
			b.Fatal(got)
		}
	})
	measure("replace-three", func() {
		same := change{"old": "marker := theOnlyOne(here)", "new": "marker := theOnlyOne(here)"}
		if got := replaceIn(b, path, same, same, same); got.Status != 200 {
			b.Fatal(got)
		}
	})
	measure("closest", func() {
		if got := replaceIn(b, path, change{"old": "marker := theOnlyOnes(there)", "new": "x"}); got.Context.Closest == nil {
			b.Fatal(got)
		}
	})
	measure("insert", func() {
		if got := post(b, "insert", path, map[string]any{"afterLine": 300_000, "text": "x"}); got.Status != 200 {
			b.Fatal(got)
		}
	})
	measure("lines", func() { readLines(b, path, "&start=300000&end=300100") })
}

func TestClosestInABigFileIsFast(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 60 MB")
	}
	path, lines := big(t)
	began := time.Now()
	got := replaceIn(t, path, change{"old": "\tmarker := theOnlyOnes(there)\n", "new": "x"})
	if took := time.Since(began); took > 10*time.Second { // half a second without the race detector
		t.Errorf("took %s", took)
	}
	if near := got.Context.Closest; near == nil || near.Line != lines-10_000 || near.Text != "\tmarker := theOnlyOne(here)\n" {
		t.Errorf("%+v of %d lines", near, lines)
	}
}
