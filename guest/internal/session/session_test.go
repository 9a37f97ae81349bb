package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"lms-computer/guest/internal/process"
	"lms-computer/guest/internal/spool"
)

// The shell is started through the agent's own binary, which here is the test's.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "become" {
		fmt.Fprintln(os.Stderr, process.Become(os.Args[2:]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

type answer struct {
	result
	status   int
	out, err string
	code     string
}

type guest struct {
	t        *testing.T
	mux      *http.ServeMux
	sessions *Sessions
	bash     bool
}

func start(t *testing.T, shell string) *guest {
	t.Helper()
	if _, err := os.Stat(shell); err != nil {
		t.Skipf("%s is not on this machine", shell)
	}
	dir, err := os.MkdirTemp("/dev/shm", "lms-")
	if err != nil {
		dir = t.TempDir()
	}
	home := filepath.Join(dir, "home")
	run := filepath.Join(dir, "r")
	for _, d := range []string{home, run, filepath.Join(dir, "s")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := New(Config{RunDir: run, SpoolDir: filepath.Join(dir, "s"), StateDir: filepath.Join(dir, "state"), Home: home, Shell: shell, Env: []string{"PATH=/usr/bin:/bin", "HOME=" + home}})
	mux := http.NewServeMux()
	s.Register(mux)
	t.Cleanup(func() {
		for _, state := range s.all() {
			_ = s.remove(state.Name)
		}
		_ = os.RemoveAll(dir)
	})
	return &guest{t, mux, s, shell == "/bin/bash"}
}

func (g *guest) exec(ctx context.Context, request map[string]any) answer {
	g.t.Helper()
	if _, set := request["maxOutputBytes"]; !set {
		request["maxOutputBytes"] = 1 << 20
	}
	body, _ := json.Marshal(request)
	recorder := httptest.NewRecorder()
	g.mux.ServeHTTP(recorder, httptest.NewRequest("POST", "/v1/exec", bytes.NewReader(body)).WithContext(ctx))
	a := answer{status: recorder.Code}
	if recorder.Code != 200 {
		var e struct{ Code string }
		_ = json.Unmarshal(recorder.Body.Bytes(), &e)
		a.code = e.Code
		return a
	}
	for data := recorder.Body.Bytes(); len(data) >= 5; {
		n := int(binary.BigEndian.Uint32(data[1:5]))
		payload := data[5 : 5+n]
		switch data[0] {
		case frameStdout:
			a.out += string(payload)
		case frameStderr:
			a.err += string(payload)
		case frameResult:
			if err := json.Unmarshal(payload, &a.result); err != nil {
				g.t.Fatal(err)
			}
		}
		data = data[5+n:]
	}
	return a
}

func (g *guest) run(command string, extra ...any) answer {
	g.t.Helper()
	request := map[string]any{"command": command}
	for i := 0; i+1 < len(extra); i += 2 {
		request[extra[i].(string)] = extra[i+1]
	}
	return g.exec(context.Background(), request)
}

func (g *guest) expect(command string, code int, out string, extra ...any) answer {
	g.t.Helper()
	a := g.run(command, extra...)
	if a.status != 200 || a.ExitCode == nil || *a.ExitCode != code || a.out != out {
		g.t.Errorf("%q: expected exit code %d and %q, got %+v", command, code, out, a)
	}
	return a
}

var testShells = []string{"/bin/bash", "/bin/busybox", "/bin/dash"}

func eachShell(t *testing.T, test func(t *testing.T, g *guest)) {
	for _, shell := range testShells {
		t.Run(filepath.Base(shell), func(t *testing.T) {
			test(t, start(t, shell))
		})
	}
}

func TestStatePersists(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("cd /tmp; export A=1; b=2", 0, "")
		g.expect("echo $PWD $A $b", 0, "/tmp 1 2\n")
		g.expect("sh -c 'exit 7'", 7, "")
		g.expect("echo $?", 0, "7\n")
		g.expect("false", 1, "")
		g.expect("echo $?", 0, "1\n")
		g.expect("alias hi='echo hello'", 0, "")
		g.expect("hi", 0, "hello\n")
	})
}

func TestShellOutlivesItsChildren(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("v=kept; (sleep 0.05) & (sleep 0.1) & sleep 0.15 &", 0, "")
		time.Sleep(400 * time.Millisecond)
		g.expect("echo $v", 0, "kept\n")
		// And one that ends as the next command comes.
		for range 20 {
			g.expect("v=$((${v%kept}+1)); (sleep 0.01) &", 0, "")
			time.Sleep(9 * time.Millisecond)
			g.expect("echo here", 0, "here\n")
		}
		g.expect("echo $v", 0, "20\n")
		g.expect("yes 2>/dev/null | head -n 1", 0, "y\n")
	})
}

func TestLostShellGoesOn(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("cd /tmp; export A=1", 0, "")
		for _, end := range []struct {
			command string
			code    int
			fate    string
		}{{"exit 3", 3, "exited"}, {"set -e; false", 1, "exited"}, {"exec true", 0, "exited"}, {"kill -9 $$", 137, "killed"}, {"set -u; exit 9", 9, "exited"}} {
			if a := g.run(end.command); a.ExitCode == nil || *a.ExitCode != end.code || a.Shell != end.fate {
				t.Errorf("%s: got %+v", end.command, a)
			}
			g.expect("echo $PWD $A", 0, "/tmp 1\n")
		}
		g.expect("cd /usr; export A='x  y'\"'\"; exit 4", 4, "")
		g.expect(`echo "$PWD $A"`, 0, "/usr x  y'\n")
		g.expect("unset A; exit 0", 0, "")
		g.expect(`echo "[$A]"`, 0, "[]\n")
	})
}

func TestACommandWhoseShellWasAboutToDieRuns(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("export KEPT=yes; cd /; VAR=lost", 0, "")
		shell := g.sessions.byName["main"].shell
		shell.saves(time.Second)
		// One that stands still reads as little as one that is about to die of a KILL.
		shell.process.Signal(syscall.SIGSTOP)
		within(t, 10*time.Second, "the stop", func() { // on a busy machine it comes when the shell runs next, which may read on until then
			for stat := ""; !strings.Contains(stat, ") T "); time.Sleep(time.Millisecond) {
				line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", shell.process.Pid))
				stat = string(line)
			}
		})
		done := make(chan answer)
		go func() {
			done <- g.run(`echo $PWD $KEPT $ONCE; cat; exit 3`, "env", map[string]string{"ONCE": "now"}, "cwd", "/usr", "timeoutMs", 20_000)
		}()
		within(t, 10*time.Second, "the lines of the command", func() {
			for shell.unread() == 0 {
				time.Sleep(time.Millisecond)
			}
		})
		shell.process.Signal(syscall.SIGKILL)
		if a := <-done; a.out != "/usr yes now\n" || *a.ExitCode != 3 || a.Shell != "exited" {
			t.Errorf("got %q, %q, exit code %d, shell %s", a.out, a.err, *a.ExitCode, a.Shell)
		}
		g.expect("echo $PWD $KEPT $VAR", 0, "/ yes\n")
		// One that has begun is not begun twice.
		if a := g.run("echo once; kill -9 $$"); a.out != "once\n" || *a.ExitCode != 137 || a.Shell != "killed" {
			t.Errorf("got %q, exit code %d, shell %s", a.out, *a.ExitCode, a.Shell)
		}
	})
}

func TestCommandsThatBreakShells(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("exec >/dev/null; echo gone", 0, "")
		g.expect("echo seen", 0, "seen\n")
		g.expect("exec 2>&-; exec <&-; echo x", 0, "x\n")
		for _, broken := range []string{"echo 'open", "if", "(", "cat <<X\nhi", "for", "`", "$(", "${"} {
			if a := g.run(broken); a.status != 200 {
				t.Errorf("%q: got %+v", broken, a)
			}
			g.expect("echo works", 0, "works\n")
		}
		g.expect("trap '' INT TERM HUP; IFS=0123456789; set -f; set -u", 0, "")
		g.expect("echo works", 0, "works\n")
		g.expect("PATH=", 0, "")
		g.expect("echo works; PATH=/usr/bin:/bin", 0, "works\n")
		g.expect("set -C; set -v; set -x", 0, "")
		g.expect("echo works", 0, "works\n")
		g.expect("read x; echo \"[$x]\"", 0, "[]\n")
		g.expect("__lms=5; __lms_cwd=x; PS1=prompt PS2=more PROMPT_COMMAND='echo PC'", 0, "")
		g.expect("echo works", 0, "works\n")
		g.expect("printf 'D1 0\\0/\\0' ; printf '\\0X/\\0'", 0, "D1 0\x00/\x00\x00X/\x00")
		if g.bash {
			g.expect("set -o posix", 0, "")
			g.expect("echo works; set +o posix", 0, "works\n")
			evil := ""
			for _, name := range []string{"eval", "printf", "export", "exec", "unset", "command", "builtin", ".", ":", "trap", "set", "exit", "cd"} {
				evil += "function " + name + " { echo evil; }; "
			}
			g.expect(evil, 0, "")
			g.expect("echo works; printf x", 0, "works\nevil\n")
			g.remove("main")
			g.expect("cd /tmp", 0, "")
			g.expect("[[ 1 = 1 ]] && echo works", 0, "works\n")
			g.expect("trap 'echo dbg' DEBUG", 0, "")
			if a := g.run("echo works"); !strings.Contains(a.out, "works\n") || a.Cwd != "/tmp" {
				t.Errorf("with a DEBUG trap: got %+v", a)
			}
		}
	})
}

func TestTimeoutKeepsShellAndOutput(t *testing.T) {
	nap := fmt.Sprintf("sleep 61.%d", os.Getpid()) // ours alone, when several runs share the machine
	eachShell(t, func(t *testing.T, g *guest) {
		for _, one := range []struct{ command, fate string }{
			{"echo part; sleep 61; echo after", "kept"},
			{"echo part; while :; do :; done", "kept"},
			{"echo part; f() { sleep 61; echo inner; }; f | cat; echo after", "kept"},
			{"echo part; (sleep 61 &); sleep 61 & sleep 61; echo after", "kept"},
			{"echo part; sh -c 'trap \"\" INT TERM HUP; sleep 61; sleep 61'; echo after", "killed"},
			{"echo part; (env -i setsid sleep 61 &); setsid sh -c 'trap \"\" INT; sleep 61; sleep 61'; echo after", "killed"},
			{"trap '' INT; echo part; sleep 61", "killed"},
		} {
			g.expect("v=kept; export w=kept; cd /tmp", 0, "")
			a := g.run(strings.ReplaceAll(one.command, "sleep 61", nap), "timeoutMs", 200)
			if a.ExitCode == nil || *a.ExitCode != exitTimedOut || !a.TimedOut || a.out != "part\n" || a.Shell != one.fate {
				t.Errorf("%q: got %+v", one.command, a)
			}
			if a.Shell == "kept" {
				g.expect("echo $v", 0, "kept\n")
			}
			g.expect("echo $w $PWD; ps ax -o args | grep '["+nap[:1]+"]"+nap[1:]+"'", 1, "kept /tmp\n")
		}
	})
}

func TestBecomesAJob(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("cd /tmp; export A=1", 0, "")
		a := g.run("echo one; sleep 1; echo two", "timeoutMs", 200, "onTimeout", "job")
		if !a.Running || a.ExitCode != nil || a.out != "one\n" {
			t.Fatalf("got %+v", a)
		}
		g.expect("echo $PWD $A", 0, "/tmp 1\n")
		var s commandState
		g.get("/v1/commands/"+a.ID+"/wait?timeoutMs=20000", &s)
		if s.Running || s.ExitCode == nil || *s.ExitCode != 0 || s.Stdout.Bytes != 8 {
			t.Fatalf("got %+v", s)
		}
	})
}

func TestStartsAsAJob(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("cd /tmp; export A=1; b=2", 0, "")
		long := g.start("echo \"$PWD $A [$b]\"; sleep 62; echo after", 400)
		short := g.start("cd /; echo done; exit 5", 0)
		g.expect("echo $PWD $A $b", 0, "/tmp 1 2\n")
		var s commandState
		g.get("/v1/commands/"+short.ID+"/wait", &s)
		if s.Running || *s.ExitCode != 5 || s.Stdout.Bytes != 5 {
			t.Errorf("got %+v", s)
		}
		g.get("/v1/commands/"+long.ID+"/wait", &s)
		if s.Running || *s.ExitCode != exitTimedOut || !s.TimedOut || s.Stdout.Bytes != int64(len("/tmp 1 []\n")) {
			t.Errorf("got %+v", s)
		}
	})
}

// A session that has not ended a command yet has saved no environment: the base one counts, and the computer's variables come to it.
func TestAJobOfASessionThatHasNotBegun(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.put("/v1/environment", map[string]any{"set": map[string]string{"A": "1"}})
		for _, begun := range []bool{false, true} {
			if begun {
				g.sessions.Warm()
			}
			job := g.start(`sh -c 'echo "$HOME $PATH $A"'`, 0)
			var s commandState
			g.get("/v1/commands/"+job.ID+"/wait", &s)
			if got, want := g.log(job.ID), g.sessions.config.Home+" /usr/bin:/bin 1\n"; got != want {
				t.Errorf("begun %t: expected %q, got %q", begun, want, got)
			}
		}
	})
}

// start runs a command as a job.
func (g *guest) start(command string, timeoutMs int) (s commandState) {
	g.t.Helper()
	body, _ := json.Marshal(map[string]any{"command": command, "timeoutMs": timeoutMs})
	recorder := httptest.NewRecorder()
	g.mux.ServeHTTP(recorder, httptest.NewRequest("POST", "/v1/commands", bytes.NewReader(body)))
	if err := json.Unmarshal(recorder.Body.Bytes(), &s); err != nil || recorder.Code != 200 {
		g.t.Fatalf("%d %s", recorder.Code, recorder.Body)
	}
	return s
}

func (g *guest) log(id string) string {
	recorder := httptest.NewRecorder()
	g.mux.ServeHTTP(recorder, httptest.NewRequest("GET", "/v1/commands/"+id+"/output", nil))
	return recorder.Body.String()
}

func (g *guest) get(path string, value any) {
	g.t.Helper()
	recorder := httptest.NewRecorder()
	g.mux.ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
	if err := json.Unmarshal(recorder.Body.Bytes(), value); err != nil {
		g.t.Fatalf("%s: %s: %s", path, err, recorder.Body)
	}
}

func TestBackgroundOutputStaysWithItsCommand(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		a := g.expect("(sleep 0.3; echo late) & echo now", 0, "now\n")
		g.expect("sleep 0.6; echo next", 0, "next\n")
		if log := g.log(a.ID); log != "now\nlate\n" {
			t.Errorf("log: got %q", log)
		}
	})
}

func TestDirectoryAndEnvironmentOfOneCommand(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("cd /tmp", 0, "")
		g.expect("pwd", 0, "/etc\n", "cwd", "/etc")
		g.expect("pwd", 0, "/tmp\n")
		g.expect("cd ..; pwd", 0, "/\n", "cwd", "/etc")
		g.expect("pwd", 0, "/\n")
		g.expect("echo \"$Q\"; sh -c 'echo \"$Q\"'", 0, "a'b\na'b\n", "env", map[string]string{"Q": "a'b"})
		g.expect("echo \"[$Q]\"", 0, "[]\n")
		for cwd, code := range map[string]string{"/nowhere": "not_found", "/etc/passwd": "not_a_directory", "/proc/self/fd/8": "invalid_argument", "a\x00b": "invalid_argument"} {
			if a := g.run("pwd", "cwd", cwd); a.code != code {
				t.Errorf("%q: expected %s, got %+v", cwd, code, a)
			}
		}
		for _, name := range []string{"A=B", "A\nB", "", "1A", "LD_PRELOAD", "IFS", "LMS_COMMAND"} {
			if a := g.run("pwd", "env", map[string]string{name: "x"}); a.code != "invalid_argument" {
				t.Errorf("%q: got %+v", name, a)
			}
		}
		if a := g.run("a\x00b"); a.code != "invalid_argument" {
			t.Errorf("NUL: got %+v", a)
		}
		g.expect("echo works", 0, "works\n")
	})
}

func TestADirectoryOfACommandThatEndsTheShell(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("cd /etc", 0, "")
		g.expect("pwd; exit 3", 3, "/usr\n", "cwd", "/usr")
		g.expect("pwd", 0, "/etc\n")
		g.expect("cd /usr; exit 4", 4, "", "cwd", "/")
		g.expect("pwd", 0, "/usr\n")
	})
}

func TestADirectoryThatGoesJustBeforeTheCommand(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("cd /tmp", 0, "")
		session, err := g.sessions.open("main")
		must(t, err)
		must(t, session.enter(t.Context()))
		dir := filepath.Join(g.sessions.config.Home, "going")
		must(t, os.Mkdir(dir, 0o755))
		c, err := session.launch("1000", request{Session: "main", Command: "pwd", Cwd: dir}, [2]func([]byte){}, func(c *Command) {
			g.sessions.remember(c)
			must(t, os.Remove(dir))
		})
		must(t, err)
		<-c.ended
		<-c.stderr.drained
		if log := g.log("1000"); log != "" || c.exitCode == 0 || c.fate != "kept" || c.stderr.log.Total() == 0 {
			t.Errorf("got %q, exit code %d, the shell %s", log, c.exitCode, c.fate)
		}
		g.expect("pwd", 0, "/tmp\n")
	})
}

func (g *guest) put(path string, body any) int {
	data, _ := json.Marshal(body)
	recorder := httptest.NewRecorder()
	g.mux.ServeHTTP(recorder, httptest.NewRequest("PUT", path, bytes.NewReader(data)))
	return recorder.Code
}

func TestVariablesOfTheComputer(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("v=1; false", 1, "")
		if code := g.put("/v1/environment", map[string]any{"set": map[string]string{"KEY": "a 'b'\n$(c)", "OTHER": "x"}}); code != 200 {
			t.Fatalf("got %d", code)
		}
		g.expect(`echo "$? $v"; echo "$KEY" | head -n 2; sh -c 'echo $OTHER'`, 0, "1 1\na 'b'\n$(c)\nx\n")
		g.expect(`echo "$KEY"`, 0, "a 'b'\n$(c)\n", "session", "second")
		if g.put("/v1/environment", map[string]any{"set": map[string]string{"A=B": "x"}}) != 400 || g.put("/v1/environment", map[string]any{"unset": []string{"IFS"}}) != 400 {
			t.Error("a name that can not be set was taken")
		}
		g.put("/v1/environment", map[string]any{"unset": []string{"OTHER"}})
		g.expect(`echo "[$OTHER] $v"`, 0, "[] 1\n")
		g.expect("cd /tmp; export LEFT=here", 0, "")

		g.restart()
		g.expect(`echo "$PWD $LEFT [$OTHER] $KEY" | head -n 1`, 0, "/tmp here [] a 'b'\n")

		// Unset, and then no command before the end.
		g.put("/v1/environment", map[string]any{"unset": []string{"KEY"}})
		g.restart()
		g.expect(`echo "$PWD $LEFT [$KEY]"`, 0, "/tmp here []\n")

		// What the session gives the same name to after that is its own.
		g.put("/v1/environment", map[string]any{"set": map[string]string{"KEY": "theirs"}})
		g.expect(`echo "$KEY"`, 0, "theirs\n")
		g.put("/v1/environment", map[string]any{"unset": []string{"KEY"}})
		g.expect(`echo "[$KEY]"; export KEY=own`, 0, "[]\n")
		g.restart()
		g.expect(`echo "$KEY"`, 0, "own\n")
		g.remove("main")
	})
}

// restart ends the agent in good order, and begins another one.
func (g *guest) restart() {
	g.sessions.Keep()
	g.sessions = New(g.sessions.config)
	g.mux = http.NewServeMux()
	g.sessions.Register(g.mux)
}

func TestInputThatBreaksOff(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		body, _ := json.Marshal(map[string]any{"command": "cat; echo end", "stdin": true})
		recorder := httptest.NewRecorder()
		g.mux.ServeHTTP(recorder, httptest.NewRequest("POST", "/v1/commands", bytes.NewReader(body)))
		var s commandState
		must(t, json.Unmarshal(recorder.Body.Bytes(), &s))
		send := func(source io.Reader) int {
			recorder := httptest.NewRecorder()
			g.mux.ServeHTTP(recorder, httptest.NewRequest("PUT", "/v1/commands/"+s.ID+"/stdin?eof=1", source))
			return recorder.Code
		}
		if code := send(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF))); code == 200 {
			t.Error("nothing was said of it")
		}
		if code := send(strings.NewReader(" and half\n")); code != 200 {
			t.Errorf("got %d", code)
		}
		g.get("/v1/commands/"+s.ID+"/wait", &s)
		if log := g.log(s.ID); log != "half and half\nend\n" {
			t.Errorf("got %q", log)
		}
	})
}

func TestAWaitIsAsLongAsItIsAskedToBe(t *testing.T) {
	g := start(t, "/bin/bash")
	s := g.start("sleep 0.2; exit 3", 0)
	g.get("/v1/commands/"+s.ID+"/wait?timeoutMs=9007199254740991", &s)
	if s.ExitCode == nil || *s.ExitCode != 3 {
		t.Errorf("got %+v", s)
	}
}

func TestFinishedCommandsAreForgotten(t *testing.T) {
	s := New(Config{StateDir: t.TempDir()})
	over := make(chan struct{})
	close(over)
	for i := range 1000 {
		c := &Command{id: s.nextID(), ended: over, stdout: &output{log: spool.New("")}, stderr: &output{log: spool.New("")}}
		if i == 10 {
			c.ended = make(chan struct{})
		}
		s.remember(c)
		if kept := len(s.order); kept != len(s.commands) || kept < min(i+1, maxRemembered) || kept > maxRemembered+17 {
			t.Fatalf("%d of %d are remembered", kept, i+1)
		}
	}
	if s.order[0] != "11" || s.order[len(s.order)-1] != "1000" || s.order[1] != strconv.Itoa(1002-len(s.order)) {
		t.Errorf("got %v", s.order)
	}
}

func TestCallerThatGoesKillsItsCommand(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		marker := fmt.Sprintf("61.%d", os.Getpid())
		g.exec(ctx, map[string]any{"command": "sleep " + marker})
		g.expect("ps ax -o args 2>/dev/null | grep 'slee[p] "+marker+"'; echo ok", 0, "ok\n")
	})
}

func TestStateHasWhatTheLastCommandExported(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		for round := range 50 {
			name := fmt.Sprint("round", round)
			g.expect("cd /tmp; export ROUND="+name, 0, "")
			if cwd, exports := g.sessions.State("main"); cwd != "/tmp" || !strings.Contains(string(exports), name) {
				t.Fatalf("%s is not in %q", name, exports)
			}
		}
	})
}

// busybox runs its applets in forks of the shell, which have what it has read ahead.
func TestProgramsReadNothingOfOurs(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("echo a | head -n 1; echo b | sort; echo c | grep c; head -n 1; sort; cat", 0, "a\nb\nc\n")
		g.expect("echo a | (head -n 1; cat)", 0, "a\n", "cwd", "/tmp", "env", map[string]string{"A": "1"})
		for _, status := range []int{1, 5, 255, 0} {
			g.expect(fmt.Sprintf("(exit %d)", status), status, "")
			g.expect("echo $?", 0, fmt.Sprintln(status))
		}
	})
}

// The shell may still have an interrupt before it when the next command comes.
func TestNextCommandAfterAnInterruptIsNotLost(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		for round := range 10 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(5+3*round)*time.Millisecond)
			g.exec(ctx, map[string]any{"command": "sleep 61 & echo started; sh -c 'sleep 61; echo never'"})
			cancel()
			g.expect("echo on", 0, "on\n")
		}
	})
}

// An interrupt that comes while the shell still reads makes it take what is left of the line for commands.
func TestAValueNeverBecomesACommand(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		value := strings.Repeat("x\n\\echo ran >>$HOME/ran\n", 2000)
		for round := range 8 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(2*round)*time.Millisecond)
			g.exec(ctx, map[string]any{"command": "sleep 61", "env": map[string]string{"A": value}})
			cancel()
			g.expect("echo on", 0, "on\n")
		}
		g.expect("ls ~", 0, "")
	})
}

func TestAShellThatStandsStillIsLetGo(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("cd /tmp", 0, "")
		pid, err := strconv.Atoi(strings.TrimSpace(g.run("echo $$").out))
		must(t, err)
		must(t, syscall.Kill(pid, syscall.SIGSTOP))
		within(t, 20*time.Second, "stopped", func() {
			a := g.run("echo never", "env", map[string]string{"A": strings.Repeat("x", 500_000)}, "timeoutMs", 200)
			if !a.TimedOut || a.out != "" || a.Shell != "killed" {
				t.Errorf("got %+v", a)
			}
			g.expect("pwd", 0, "/tmp\n")
		})
	})
}

func TestManyAtOnce(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		var wait sync.WaitGroup
		for i := range 50 {
			wait.Add(1)
			go func() {
				defer wait.Done()
				a := g.run(fmt.Sprintf("echo %d; echo e%d >&2", i, i), "session", fmt.Sprintf("s%d", i%10))
				if a.out != fmt.Sprintf("%d\n", i) || a.err != fmt.Sprintf("e%d\n", i) {
					t.Errorf("%d: got %+v", i, a)
				}
			}()
		}
		wait.Wait()
	})
}

func TestOutputIsExactAndCut(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect(`printf 'a\0\377b'`, 0, "a\x00\xffb")
		a := g.run("head -c 100000 /dev/zero | tr '\\0' x; echo end", "maxOutputBytes", 100)
		if len(a.out) != 100 || !strings.HasSuffix(a.out, "xend\n") || a.Stdout.Bytes != 100004 || a.Stdout.Omitted != 99904 {
			t.Errorf("got %d bytes, %+v", len(a.out), a.Stdout)
		}
		g.expect("echo "+strings.Repeat("x", 1<<20)+" | wc -c | tr -d ' '", 0, "1048577\n")
	})
}

func TestRemovedSession(t *testing.T) {
	g := start(t, "/bin/bash")
	g.expect("cd /tmp; export A=1", 0, "")
	g.remove("main")
	g.expect("echo \"[$A] ${PWD##*/}\"", 0, "[] home\n")
}

func (g *guest) remove(session string) {
	g.t.Helper()
	recorder := httptest.NewRecorder()
	g.mux.ServeHTTP(recorder, httptest.NewRequest("DELETE", "/v1/sessions/"+session, nil))
	if recorder.Code != 200 {
		g.t.Fatalf("got %d %s", recorder.Code, recorder.Body)
	}
}
