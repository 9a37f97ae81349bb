package edit

import (
	"fmt"
	"strings"
	"testing"
)

func TestInsert(t *testing.T) {
	for name, c := range map[string]struct {
		before    string
		afterLine int
		text      string
		after     string
		first     int
		lines     int
	}{
		"before the first":         {"a\nb\n", 0, "x", "x\na\nb\n", 1, 1},
		"between":                  {"a\nb\n", 1, "x\ny\n", "a\nx\ny\nb\n", 2, 2},
		"at the end":               {"a\nb\n", 2, "x", "a\nb\nx\n", 3, 1},
		"past the end":             {"a\nb\n", 99, "x\n", "a\nb\nx\n", 3, 1},
		"no final newline":         {"a\nb", 2, "x\n", "a\nb\nx", 3, 1},
		"before an unended line":   {"a\nb", 1, "x", "a\nx\nb", 2, 1},
		"CRLF":                     {"a\r\nb\r\n", 1, "x\ny", "a\r\nx\r\ny\r\nb\r\n", 2, 2},
		"CRLF without a final one": {"a\r\nb", 2, "x", "a\r\nb\r\nx", 3, 1},
		"CRLF into LF":             {"a\nb\n", 1, "x\r\ny\r\n", "a\nx\ny\nb\n", 2, 2},
		"into nothing":             {"", 5, "x", "x\n", 1, 1},
		"CRLF into nothing":        {"", 0, "x\r\ny", "x\r\ny\r\n", 1, 2},
		"an empty line":            {"a\nb\n", 1, "\n", "a\n\nb\n", 2, 1},
	} {
		path := file(t, c.before)
		got := post(t, "insert", path, map[string]any{"afterLine": c.afterLine, "text": c.text})
		want := strings.Count(c.after, "\n")
		if !strings.HasSuffix(c.after, "\n") {
			want++
		}
		if got.Status != 200 || got.FirstLine != c.first || got.InsertedLines != c.lines || got.TotalLines != want || got.Size != len(c.after) {
			t.Errorf("%s: %+v", name, got)
		}
		has(t, path, c.after)
	}
}

func TestInsertRefuses(t *testing.T) {
	path := file(t, "x\n")
	for _, request := range []any{
		map[string]any{"text": "x"}, map[string]any{"afterLine": -1, "text": "x"}, map[string]any{"afterLine": 1}, map[string]any{"afterLine": "1", "text": "x"},
	} {
		if got := post(t, "insert", path, request); got.Code != "invalid_argument" {
			t.Errorf("%v: %+v", request, got)
		}
	}
	if got := post(t, "insert", path+"-missing", map[string]any{"afterLine": 0, "text": "x"}); got.Code != "not_found" {
		t.Errorf("%+v", got)
	}
	has(t, path, "x\n")
}

func TestInsertIntoALongFile(t *testing.T) {
	line := func(i int) string { return fmt.Sprintf("line %d of many\n", i) }
	path := file(t, repeat(40_002, line))
	post(t, "insert", path, map[string]any{"afterLine": 30_000, "text": "new"})
	has(t, path, repeat(30_000, line)+"new\n"+repeat(10_002, func(i int) string { return line(30_000 + i) }))
}
