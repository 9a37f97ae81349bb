package session

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// words reads a line as a shell does that knows ' and \ alone.
func words(line string) (all []string) {
	var word strings.Builder
	begun := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				return nil
			}
			word.WriteString(line[i+1 : i+1+end])
			i += end + 1
			begun = true
		case c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			begun = true
		case c == ' ' || c == '\n' || c == ';':
			if begun {
				all = append(all, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	if begun {
		all = append(all, word.String())
	}
	return all
}

// FuzzRequest: what passes is within its bounds, and reaches the shell as it was sent: a value never becomes a command.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"command":"echo","env":{"A":"b c","D":"'; rm -rf / #"},"cwd":"/a'b","timeoutMs":5}`, `{"session":"../x"}`, `{"session":"a\n"}`, `{"command":"a\u0000b"}`,
		`{"env":{"A=B":"c"}}`, `{"env":{"LD_PRELOAD":"x"}}`, `{"env":{"__lms_x":"y"}}`, `{"maxOutputBytes":-1}`, `{"timeoutMs":1e99}`, `{"onTimeout":"job"}`, `[]`, `{"env":{"A":"\ud800\n\\'"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var r request
		if json.Unmarshal(data, &r) != nil || r.validate() != nil {
			return
		}
		if strings.ContainsAny(r.Session, "/\x00\n ") || r.Session == "" || r.Session[0] == '.' || r.TimeoutMs < 0 || r.TimeoutMs > maxTimeoutMs {
			t.Fatalf("%q: let %+v through", data, r)
		}
		if strings.ContainsRune(r.Cwd, 0) {
			return // Directory refuses it
		}
		line := run{script: "/s", stdout: "/o", stderr: "/e", cwd: r.Cwd, env: r.Env}.call()
		got := words(line)
		have := map[string]bool{}
		for _, word := range got {
			have[word] = true
		}
		for name, value := range r.Env {
			if !have[name+"="+value] {
				t.Fatalf("%q: %q of %q is not one word of %q", data, value, name, line)
			}
		}
		if r.Cwd != "" && !have["__lms_in="+r.Cwd] {
			t.Fatalf("%q: the directory is not one word of %q", data, line)
		}
		plain := words(run{script: "/s", stdout: "/o", stderr: "/e"}.call())
		more := len(r.Env)
		if r.Cwd != "" {
			more += len(words(`__lms_in=x __lms_out=${PWD-}; \command \cd -- "$__lms_in" >/dev/null 2>/e && `))
		}
		if len(got) != len(plain)+more {
			t.Fatalf("%q: %d words, expected %d, in %q", data, len(got), len(plain)+more, line)
		}
	})
}

// FuzzDirectory: what is given is a directory, absolute and in no other form, and never one of /proc.
func FuzzDirectory(f *testing.F) {
	root := f.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "a/b"), 0o755); err != nil {
		f.Fatal(err)
	}
	for name, target := range map[string]string{"self": "/proc/self/cwd", "up": "..", "loop": "loop", "a/in": "b"} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			f.Fatal(err)
		}
	}
	for _, path := range []string{"", ".", "a", "a/in", "~", "~/a", "~x", "/proc/self/fd/3", "self", "self/..", "up", "loop", "a/../../proc", "//proc", "/proc/../proc/1/root", "a\x00", "/dev/fd/0"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		found, err := Directory(path, root, filepath.Join(root, "a"))
		if err != nil {
			return
		}
		info, err := os.Stat(found)
		if err != nil || !info.IsDir() || !filepath.IsAbs(found) || filepath.Clean(found) != found {
			t.Fatalf("%q: %q, %v", path, found, err)
		}
		if real, err := filepath.EvalSymlinks(found); err != nil || inProc(real) || inProc(found) {
			t.Fatalf("%q: %q is %q, %v", path, found, real, err)
		}
	})
}

// FuzzKept: files of the state directory are the guest's to write. What could not have been set is not taken from there.
func FuzzKept(f *testing.F) {
	f.Add([]byte(`{"A":"b"}`))
	f.Add([]byte(`{"LD_PRELOAD":"/x.so","A":"b"}`))
	f.Add([]byte(`{"A":"b\u0000"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		directory := t.TempDir()
		if err := os.WriteFile(filepath.Join(directory, "environment.json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		vars := loadEnvironment(directory).vars
		if err := ValidEnv(vars); err != nil {
			t.Fatalf("%q: took %v: %v", data, vars, err)
		}
	})
}
