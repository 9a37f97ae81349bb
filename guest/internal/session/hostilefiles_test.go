package session

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

func (g *guest) runDir() string { return g.sessions.config.RunDir }

func TestASavedEnvironmentThatIsNoFile(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		for what, put := range map[string]string{
			"FIFO": "mkfifo", "device": "ln -s /dev/zero", "directory": "mkdir", "flood": "truncate -s 200G",
		} {
			within(t, 10*time.Second, what, func() {
				g.expect("cd /tmp; export A=1", 0, "")
				g.run(fmt.Sprintf("cd %s/[0-9]*; rm -f env.0 env.1 env.exit; for f in env.0 env.1 env.exit; do %s $f; done; cd /tmp; kill -9 $$", g.runDir(), put))
				g.expect("echo works", 0, "works\n")
				_ = g.sessions.remove("main")
			})
		}
	})
}

func TestNamesThatWereTakenBefore(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		for what, put := range map[string]string{"FIFOs": "mkfifo $i$f", "directories": "mkdir -p $i$f/x", "symlinks": "ln -s /dev/zero $i$f"} {
			within(t, 10*time.Second, what, func() {
				g.run(fmt.Sprintf("cd %s/[0-9a-z]*; for i in 2 3 4 5 6; do for f in c a o e i; do %s; done; done 2>/dev/null; cd /", g.runDir(), put))
				for i := range 4 {
					g.expect(fmt.Sprint("echo ", i), 0, fmt.Sprintln(i), "stdin", i%2 == 1, "cwd", "/tmp")
				}
				_ = g.sessions.remove("main")
			})
		}
		g.run(fmt.Sprintf("cd %s; i=0; while [ $i -lt 36 ]; do for c in '' 1 2 3 4 5 6; do for d in 0 1 2 3 4 5 6 7 8 9 a b c d e f g h i j k l m n o p q r s t u v w x y z; do mkdir $c$d; done; done; i=36; done 2>/dev/null; exit 3", g.runDir()))
		g.expect("echo works", 0, "works\n")
	})
}

func TestOurFilesAreDeleted(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("cd /tmp; export A=1", 0, "")
		within(t, 10*time.Second, "all deleted", func() {
			g.run(fmt.Sprintf("echo x; rm -rf %s %s", g.runDir(), g.sessions.config.SpoolDir), "timeoutMs", 300)
			g.expect("pwd", 0, "/tmp\n", "timeoutMs", 5000)
			if a := g.run("yes | head -c 100000", "timeoutMs", 5000); len(a.out) != 100000 {
				t.Errorf("got %d bytes, %+v", len(a.out), a.result)
			}
		})
		// From a process of another session, while this one is idle.
		within(t, 10*time.Second, "deleted while idle", func() {
			// The shell that was just replaced may still be tidying up: what appears in between goes with the next try.
			err := os.RemoveAll(g.runDir())
			for tries := 0; err != nil && tries < 100; tries++ {
				time.Sleep(10 * time.Millisecond)
				err = os.RemoveAll(g.runDir())
			}
			must(t, err)
			g.expect("echo works", 0, "works\n", "timeoutMs", 5000)
		})
	})
}

func TestStateOutlivesAShellThatCouldNotStart(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("cd /tmp; export A=1", 0, "")
		session, err := g.sessions.open("main")
		must(t, err)
		shell := session.config.Shell
		session.config.Shell = ""
		g.run("kill -9 $$")
		if a := g.run("echo never"); a.code == "" {
			t.Errorf("got %+v", a)
		}
		session.config.Shell = shell
		g.expect("echo $A $PWD", 0, "1 /tmp\n")
	})
}

func TestACallerThatLeftTheQueueStartsNothing(t *testing.T) {
	s := newSession("x", Config{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 100 {
		if err := s.enter(ctx); err == nil {
			t.Fatal("it came in")
		}
		if len(s.turn) != 1 {
			t.Fatal("it has the turn")
		}
	}
}

func TestNothingBeginsInASessionThatWasRemoved(t *testing.T) {
	s := newSession("x", Config{})
	if err := s.begins(&Command{}); err != nil || s.now == nil {
		t.Fatal(err)
	}
	s.removed = true
	if err := s.begins(&Command{}); err == nil {
		t.Error("it began")
	}
}
