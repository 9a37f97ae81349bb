package files

import (
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func FuzzCheckPath(f *testing.F) {
	for _, path := range append([]string{"", "/", "//", "/a/../b", "a", "/a\x00", "/\xff", strings.Repeat("/a", 3000)}, names...) {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		err := CheckPath(path, "path")
		if good := path != "" && path[0] == '/' && !strings.Contains(path, "\x00") && len(path) < 4096; good != (err == nil) {
			t.Fatalf("%q: %v", path, err)
		}
		if err != nil {
			return
		}
		if dir, name := splitPath(path); dir+name != path || !strings.HasSuffix(dir, "/") || strings.Contains(name, "/") {
			t.Fatalf("%q: %q %q", path, dir, name)
		}
		if trimmed := trimSlashes(path); trimmed == "" || trimmed != "/" && strings.HasSuffix(trimmed, "/") || !strings.HasPrefix(path, trimmed) {
			t.Fatalf("%q: %q", path, trimmed)
		}
	})
}

func FuzzParseMode(f *testing.F) {
	for _, text := range []string{"", "0", "644", "07777", "10000", "8", "-1", "+1", "0x1", "0o7", "1_0", "\x00", "７"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mode, err := parseMode(text)
		if err != nil {
			return
		}
		want, wrong := strconv.ParseInt(text, 8, 64)
		if wrong != nil || want < 0 || want > 0o7777 || strings.ContainsAny(text, "+-_xo") {
			t.Fatalf("%q passed as %v", text, mode)
		}
		back := uint32(mode.Perm())
		for bit, is := range map[uint32]os.FileMode{syscall.S_ISUID: os.ModeSetuid, syscall.S_ISGID: os.ModeSetgid, syscall.S_ISVTX: os.ModeSticky} {
			if mode&is != 0 {
				back |= bit
			}
		}
		if int64(back) != want {
			t.Fatalf("%q: %o", text, back)
		}
	})
}

func FuzzResolveRange(f *testing.F) {
	for _, n := range []int64{math.MinInt64, -1, 0, 1, 10, math.MaxInt64} {
		f.Add(int64(10), n, n)
		f.Add(n, int64(5), n)
		f.Add(n, n, int64(5))
	}
	f.Fuzz(func(t *testing.T, size, offset, length int64) {
		start, count := resolveRange(size, offset, length)
		if start < 0 || count < 0 || start > max(size, 0) || count > max(size, 0)-start || count > max(length, 0) {
			t.Fatalf("%d %d %d: %d %d", size, offset, length, start, count)
		}
		if size >= 0 && offset >= 0 && offset <= size && length >= 0 && (start != offset || count != min(length, size-offset)) {
			t.Fatalf("%d %d %d: %d %d", size, offset, length, start, count)
		}
	})
}
