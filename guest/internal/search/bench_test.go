package search

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// BenchmarkTree searches Go's own source, or the tree in SEARCH_TREE, and the same with rg or grep where they are.
func BenchmarkTree(b *testing.B) {
	tree := os.Getenv("SEARCH_TREE")
	if tree == "" {
		tree = runtime.GOROOT() + "/src"
	}
	if _, err := os.Stat(tree); err != nil {
		b.Skip(err)
	}
	for _, c := range []struct {
		name, pattern string
		ignoreCase    bool
	}{
		{"literal", "errNoSuchThingHere", false},
		{"common-literal", "return nil, err", false},
		{"prefix", `func \w+Handler\(`, false},
		{"alternatives", `func|type|const`, false},
		{"ignore-case", "nosuchthinghere", true},
		{"ignore-case-common", "handler", true},
		{"inner-literal", `\w+\s+struct \{$`, false},
		{"no-literal", `[a-z]{3}[0-9]{5}[a-z]{2}`, false},
	} {
		for tool, args := range map[string][]string{
			"rg":   {"-n", "--no-ignore", "--hidden", "-g", "!.git", "-e", c.pattern, tree},
			"grep": {"-rnIE", "--exclude-dir=.git", "-e", c.pattern, tree},
		} {
			if c.ignoreCase {
				args = append([]string{"-i"}, args...)
			}
			if path, err := exec.LookPath(tool); err == nil {
				b.Run(c.name+"/"+tool, func(b *testing.B) {
					for b.Loop() {
						_ = exec.Command(path, args...).Run()
					}
				})
			}
		}
		b.Run(c.name+"/agent", func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // as the agent
			for b.Loop() {
				find(b, fields{"pattern": c.pattern, "path": tree, "ignoreCase": c.ignoreCase, "maxResults": 100_000, "all": true})
			}
		})
	}
}
