package edit

import (
	"fmt"
	"strings"
	"testing"
)

func TestClosest(t *testing.T) {
	code := repeat(300, func(i int) string {
		return fmt.Sprintf("func step%d(x int) int {\n\tif x > %d {\n\t\treturn x * %d\n\t}\n\treturn -1\n}\n\n", i, i, i+3)
	})
	for name, c := range map[string]struct {
		content, old string
		line         int
		difference   string
		diff         string
	}{
		"spaces for tabs":       {code, "func step40(x int) int {\n    if x > 40 {\n        return x * 43\n", 281, "white_space", "-     if x > 40 {\n+ \tif x > 40 {"},
		"line numbers":          {code, "  282\t\tif x > 40 {\n  283\t\t\treturn x * 43\n", 282, "line_numbers", ""},
		"CRLF":                  {strings.ReplaceAll(code, "\n", "\r\n"), "\tif x > 40 {\n\t\treturn x * 43\n", 282, "line_endings", "+ \tif x > 40 {␍"},
		"case":                  {code, "Func Step40(x int) int {", 281, "case", "- Func Step40(x int) int {\n+ func step40(x int) int {"},
		"another word":          {code, "func step40(x int) int {\n\tif x > 40 {\n\t\treturn y * 43\n\t}\n", 281, "", "-\u0020\t\treturn y * 43\n+ \t\treturn x * 43"},
		"a missing line":        {code, "func step40(x int) int {\n\t\treturn x * 43\n\t}\n", 281, "", "+ \tif x > 40 {"},
		"a part of a line":      {"alpha beta gamma delta\n" + strings.Repeat("unrelated words here\n", 50), "beta gama delta", 1, "", "- beta gama delta\n+ alpha beta gamma delta"},
		"a single line":         {"key = 1", "key = 2", 1, "", "- key = 2\n+ key = 1"},
		"one long line":         {strings.Repeat("0123456789", 2000) + "needle in here" + strings.Repeat("9876543210", 2000), "needle on here", 1, "", "needle in here"},
		"longer than the probe": {code, strings.Replace(code[:20_000], "return x * 203", "return x * 204", 1), 1, "", "- \t\treturn x * 204\n+ \t\treturn x * 203"},
	} {
		t.Run(name, func(t *testing.T) {
			got := replaceIn(t, file(t, c.content), change{"old": c.old, "new": "x"})
			near := got.Context.Closest
			if got.Code != "invalid_argument" || near == nil {
				t.Fatalf("%+v", got)
			}
			if near.Line != c.line || got.Context.Difference != c.difference || !strings.Contains(near.Diff, c.diff) {
				t.Errorf("line %d, %q, difference %q\n%s\n%s", near.Line, near.Text, got.Context.Difference, near.Diff, got.Message)
			}
			if len(near.Text) > maxClosestText || strings.Count(near.Diff, "\n") > maxDiffLines {
				t.Errorf("%d bytes, %d lines", len(near.Text), strings.Count(near.Diff, "\n"))
			}
		})
	}
}

func TestClosestIsInTheResultOfTheOneBefore(t *testing.T) {
	got := replaceIn(t, file(t, "a\nb\n"), change{"old": "a\n", "new": "first\nsecond word\n"}, change{"old": "second ward", "new": "x"})
	if near := got.Context.Closest; got.Context.Index != 1 || near == nil || near.Line != 2 || near.Text != "second word\n" {
		t.Errorf("%+v", got)
	}
}

func TestNothingIsClose(t *testing.T) {
	for _, content := range []string{"", "\n\n\n", "xyz\n", "\x00\x01\x02"} {
		if got := replaceIn(t, file(t, content), change{"old": "completely different", "new": "x"}); got.Code != "invalid_argument" || got.Context.Closest != nil {
			t.Errorf("%q: %+v", content, got)
		}
	}
}
