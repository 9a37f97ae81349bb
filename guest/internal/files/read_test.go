package files

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestReadGivesRanges(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	path := put(t, dir+"/digits", "0123456789")
	for _, c := range []struct{ offset, length, want string }{
		{"", "", "0123456789"}, {"3", "", "3456789"}, {"3", "4", "3456"}, {"8", "100", "89"}, {"10", "", ""}, {"99", "5", ""}, {"0", "0", ""},
	} {
		answer := g.ok("read", q("path", path, "offset", c.offset, "length", c.length), "")
		if string(answer.body) != c.want || answer.header.Get("lms-size") != "10" || answer.header.Get("content-length") != fmt.Sprint(len(c.want)) {
			t.Errorf("%+v: got %q %v", c, answer.body, answer.header)
		}
	}
	for _, bad := range []string{"-1", "x", "1.5", "9223372036854775808"} {
		g.fails("invalid_argument", "read", q("path", path, "offset", bad), "")
		g.fails("invalid_argument", "read", q("path", path, "length", bad), "")
	}
}

func TestReadOfLargeFileIsExact(t *testing.T) {
	g := serve(t)
	content := strings.Repeat("0123456789abcdef", 100_000) + "end"
	path := put(t, t.TempDir()+"/large", content)
	if got := g.ok("read", q("path", path), ""); string(got.body) != content {
		t.Errorf("got %d bytes of %d", len(got.body), len(content))
	}
	if got := g.ok("read", q("path", path, "offset", "7", "length", "600000"), ""); string(got.body) != content[7:600007] {
		t.Errorf("got %d bytes", len(got.body))
	}
}

func TestReadOfWhatIsNoFileIsAnErrorAtOnce(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	if err := syscall.Mkfifo(dir+"/fifo", 0o644); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for _, link := range []string{"fifo", "/dev/zero", "loop"} {
		if err := os.Symlink(link, dir+"/"+map[string]string{"fifo": "to-fifo", "/dev/zero": "to-zero", "loop": "loop"}[link]); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/dev/zero", "/dev/null", "/dev/tty", dir, dir + "/fifo", dir + "/socket", dir + "/to-fifo", dir + "/to-zero"} {
		g.fails("not_a_file", "read", q("path", path), "")
		g.fails("not_a_file", "write", q("path", path), "x")
		g.fails("not_a_file", "write", q("path", path, "append", "1"), "x")
		if path != dir {
			g.fails("not_a_directory", "list", q("path", path), "")
			g.fails("not_a_directory", "read", q("path", path+"/x"), "")
			g.fails("not_a_directory", "write", q("path", path+"/x"), "x")
			g.fails("not_a_directory", "mkdir", q("path", path+"/x"), "")
			g.fails("not_a_directory", "remove", q("path", path+"/x", "recursive", "1"), "")
			g.fails("not_a_directory", "copy", q("from", path+"/x", "to", dir+"/y"), "")
			g.fails("not_a_directory", "move", q("from", dir+"/fifo", "to", path+"/x"), "")
		}
	}
	g.fails("invalid_argument", "read", q("path", dir+"/loop"), "")
	g.fails("invalid_argument", "write", q("path", dir+"/loop"), "x")
	g.fails("invalid_argument", "write", q("path", dir+"/loop", "append", "1"), "x")
	g.fails("not_found", "read", q("path", dir+"/nothing"), "")
	holds(t, dir, "fifo", "loop", "socket", "to-fifo", "to-zero")
}

func TestReadOfGeneratedFiles(t *testing.T) {
	g := serve(t)
	for _, path := range []string{"/proc/self/status", "/proc/meminfo", "/proc/self/mountinfo", "/sys/kernel/mm/transparent_hugepage/enabled"} {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Logf("%s: %v", path, err)
			continue
		}
		answer := g.ok("read", q("path", path), "")
		if len(answer.body) == 0 || answer.header.Get("lms-size") != fmt.Sprint(len(answer.body)) {
			t.Errorf("%s: %d bytes of about %d, %v", path, len(answer.body), len(want), answer.header)
		}
		if part := g.ok("read", q("path", path, "offset", "2", "length", "3"), ""); len(part.body) != 3 {
			t.Errorf("%s: expected 3 bytes, got %q", path, part.body)
		}
	}
	if answer := g.ok("read", q("path", put(t, t.TempDir()+"/empty", "")), ""); len(answer.body) != 0 || answer.header.Get("lms-size") != "0" {
		t.Errorf("got %q %v", answer.body, answer.header)
	}
	// These block a plain reader, have no end, or are refused by the kernel: an error, and soon.
	for _, path := range []string{"/proc/kmsg", "/proc/kcore", "/proc/self/mem", "/sys/kernel/tracing/trace_pipe"} {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		began := time.Now()
		answer, err := g.send("GET", "read", q("path", path), nil)
		if took := time.Since(began); err != nil || answer.status < 400 || took > generatedDeadline+time.Second {
			t.Errorf("%s: expected an error, got %d after %s, %v", path, answer.status, took, err)
		}
	}
}

// stalled reads the head of an answer and calls between before the rest.
func stalled(t *testing.T, g *guest, path string, between func()) ([]byte, error) {
	response, err := g.client.Get(g.url + "/v1/files/read?path=" + url.QueryEscape(path))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	head := make([]byte, 1000)
	if _, err := io.ReadFull(response.Body, head); err != nil {
		t.Fatal(err)
	}
	between()
	rest, err := io.ReadAll(response.Body)
	return append(head, rest...), err
}

func TestReadOfFileThatChangesSize(t *testing.T) {
	g := serve(t)
	const size = 16 << 20 // beyond what the windows of both ends hold
	make := func(t *testing.T) string {
		path := put(t, t.TempDir()+"/f", "")
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Run("a file that grows ends where it ended", func(t *testing.T) {
		path := make(t)
		got, err := stalled(t, g, path, func() { os.Truncate(path, 2*size) })
		if err != nil || len(got) != size {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
	})
	t.Run("a file that shrinks breaks its own stream", func(t *testing.T) {
		path := make(t)
		got, err := stalled(t, g, path, func() { os.Truncate(path, 1<<20) })
		if err == nil {
			t.Errorf("expected an error, got %d bytes", len(got))
		}
		g.ok("stat", q("path", path), "") // and no other
	})
	t.Run("a reader that goes away", func(t *testing.T) {
		response, err := g.client.Get(g.url + "/v1/files/read?path=" + url.QueryEscape(make(t)))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		g.ok("stat", q("path", "/"), "")
	})
	t.Run("the head of an answer alone", func(t *testing.T) {
		response, err := g.client.Head(g.url + "/v1/files/read?path=" + url.QueryEscape(make(t)))
		if err != nil || response.ContentLength != size {
			t.Errorf("%v %v", response, err)
		}
	})
}
