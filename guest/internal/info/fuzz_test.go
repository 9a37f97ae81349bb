package info

import (
	"strings"
	"testing"
)

func FuzzParseRelease(f *testing.F) {
	for _, text := range []string{"", "ID=debian\nPRETTY_NAME=\"Debian\"\nVERSION_ID='12'", "ID=\"", "ID='\"", "ID=\"\\", "=\n==", "NAME=\x00\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		is := parseRelease(text)
		if len(is.name)+len(is.id)+len(is.version) > 2*len(text)+len("Linux linux ") || is.name == "" {
			t.Fatalf("%q: %+v", text, is)
		}
		if strings.Contains(is.id, "\n") {
			t.Fatalf("%q: %+v", text, is)
		}
	})
}

func FuzzParseMeminfo(f *testing.F) {
	for _, text := range []string{"", "MemTotal: 4000 kB\nMemFree: 1 kB\nMemAvailable: 3 kB\n", "MemTotal:\n", "MemTotal: 18446744073709551615 kB", "MemTotal: -1", "MemAvailable: 9 kB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if is := parseMeminfo(text); is.AvailableBytes > is.TotalBytes || is.TotalBytes%1024 != 0 {
			t.Fatalf("%q: %+v", text, is)
		}
	})
}
