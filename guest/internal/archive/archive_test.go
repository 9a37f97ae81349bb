package archive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func serve(t testing.TB) string {
	mux := http.NewServeMux()
	Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func pack(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, header := range headers {
		content := header.PAXRecords["content"]
		header.PAXRecords = maps(header.PAXRecords)
		if header.Typeflag == tar.TypeReg {
			header.Size = int64(len(content))
		}
		if header.Mode == 0 {
			header.Mode = 0o644
		}
		if err := w.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeReg {
			_, _ = io.WriteString(w, content)
		}
	}
	_ = w.Close()
	return out.Bytes()
}

func maps(records map[string]string) map[string]string {
	kept := map[string]string{}
	for key, value := range records {
		if key != "content" {
			kept[key] = value
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

func file(name, content string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, PAXRecords: map[string]string{"content": content}}
}

func link(kind byte, name, target string) tar.Header {
	return tar.Header{Typeflag: kind, Name: name, Linkname: target}
}

func send(t testing.TB, server, path, more string, body io.Reader) (code, message string) {
	t.Helper()
	response, err := http.Post(server+"/v1/archive/put?path="+url.QueryEscape(path)+more, "", body)
	if err != nil {
		return "broken", err.Error()
	}
	defer response.Body.Close()
	var failure struct{ Code, Message string }
	_ = json.NewDecoder(response.Body).Decode(&failure)
	return failure.Code, failure.Message
}

// tree tells of every entry below a folder.
func tree(t testing.TB, dir string) []string {
	t.Helper()
	lines := []string{}
	_ = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(dir, path)
		line := fmt.Sprintf("%s %s", name, info.Mode())
		switch {
		case info.Mode().IsRegular():
			content, _ := os.ReadFile(path)
			line += fmt.Sprintf(" %q", content)
		case info.Mode()&os.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			line += " -> " + target
		}
		lines = append(lines, line)
		return nil
	})
	return lines[1:]
}

func expect(t testing.TB, dir string, want ...string) {
	t.Helper()
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Errorf("expected\n  %s\ngot\n  %s", strings.Join(want, "\n  "), strings.Join(got, "\n  "))
	}
}

func TestAFolderGoesIn(t *testing.T) {
	server, dir := serve(t), t.TempDir()
	archive := pack(t, tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o750}, file("./a", "one"), file("b/c", "two"),
		tar.Header{Typeflag: tar.TypeDir, Name: "b/", Mode: 0o555}, link(tar.TypeSymlink, "l", "/anywhere"), link(tar.TypeLink, "b2", "b/c"),
		tar.Header{Typeflag: tar.TypeReg, Name: "suid", Mode: 0o4755}, file("a", "later"),
		tar.Header{Typeflag: tar.TypeReg, Name: "\xff", Format: tar.FormatPAX})
	if code, message := send(t, server, dir+"/new/deep", "", bytes.NewReader(archive)); code != "" {
		t.Fatal(code, message)
	}
	expect(t, dir+"/new/deep", "a -rw-r--r-- \"later\"", "b dr-xr-xr-x", "b/c -rw-r--r-- \"two\"", "b2 -rw-r--r-- \"two\"", "l Lrwxrwxrwx -> /anywhere",
		"suid -rwxr-xr-x \"\"", "\xff -rw-r--r-- \"\"")
	_ = os.Chmod(dir+"/new/deep/b", 0o755)
	if code, message := send(t, server, dir+"/kept", "&setuid=1", bytes.NewReader(archive)); code != "" {
		t.Fatal(code, message)
	}
	if info, err := os.Stat(dir + "/kept/suid"); err != nil || info.Mode()&os.ModeSetuid == 0 {
		t.Error("setuid was asked for", err)
	}
	_ = os.Chmod(dir+"/kept/b", 0o755)
}

func TestOverAFolderThatIsThere(t *testing.T) {
	server, dir := serve(t), t.TempDir()
	for name, content := range map[string]string{"t/a": "old", "t/keep": "keep", "t/d/x": "old", "outside/x": "outside"} {
		_ = os.MkdirAll(filepath.Dir(dir+"/"+name), 0o755)
		_ = os.WriteFile(dir+"/"+name, []byte(content), 0o644)
	}
	_ = os.Symlink("../outside/x", dir+"/t/link")
	if code, message := send(t, server, dir+"/t/", "", bytes.NewReader(pack(t, file("a", "new"), file("d/x", "new"), file("link", "in")))); code != "" {
		t.Fatal(code, message)
	}
	want := []string{"outside drwxr-xr-x", "outside/x -rw-r--r-- \"outside\"", "t drwxr-xr-x", "t/a -rw-r--r-- \"new\"", "t/d drwxr-xr-x",
		"t/d/x -rw-r--r-- \"new\"", "t/keep -rw-r--r-- \"keep\"", "t/link -rw-r--r-- \"in\""}
	expect(t, dir, want...)
	_ = os.Symlink("../outside", dir+"/t/out")
	for _, archive := range [][]byte{pack(t, file("a", "newer"), file("out/x", "through")), pack(t, file("a", "newer"), file("keep/x", "below a file")), pack(t, file("d", "over a folder"))} {
		if code, _ := send(t, server, dir+"/t", "", bytes.NewReader(archive)); code != "already_exists" {
			t.Errorf("expected already_exists, got %q", code)
		}
	}
	_ = os.Remove(dir + "/t/out")
	expect(t, dir, want...)
}

func TestHostileArchives(t *testing.T) {
	long := strings.Repeat("x", 256)
	for name, archive := range map[string][]byte{
		"up":                      pack(t, file("../up", "x")),
		"up in the middle":        pack(t, file("a/../../up", "x")),
		"absolute":                pack(t, file("/tmp/absolute", "x")),
		"through a symlink":       pack(t, link(tar.TypeSymlink, "s", ".."), file("s/up", "x")),
		"through a symlink, deep": pack(t, file("d/f", "x"), link(tar.TypeSymlink, "d/s", "../.."), file("d/s/up", "x")),
		"a folder over a symlink": pack(t, link(tar.TypeSymlink, "s", ".."), tar.Header{Typeflag: tar.TypeDir, Name: "s/"}, file("s/up", "x")),
		"a hard link out":         pack(t, link(tar.TypeLink, "h", "../victim")),
		"a hard link, absolute":   pack(t, link(tar.TypeLink, "h", "/etc/passwd")),
		"a hard link via symlink": pack(t, link(tar.TypeSymlink, "s", ".."), link(tar.TypeLink, "h", "s/victim")),
		"a hard link to symlink":  pack(t, link(tar.TypeSymlink, "s", "../victim"), link(tar.TypeLink, "h", "s"), file("h", "x")),
		"a hard link to nothing":  pack(t, link(tar.TypeLink, "h", "later")),
		"a device":                pack(t, tar.Header{Typeflag: tar.TypeBlock, Name: "sda", Devmajor: 8}),
		"a character device":      pack(t, tar.Header{Typeflag: tar.TypeChar, Name: "null", Devmajor: 1, Devminor: 3}),
		"a FIFO":                  pack(t, tar.Header{Typeflag: tar.TypeFifo, Name: "fifo"}),
		"a long name":             pack(t, file(long, "x")),
		"too deep":                pack(t, file(strings.Repeat("d/", 201)+"f", "x")),
		"a file over a folder":    pack(t, file("d/f", "x"), file("d", "x")),
		"below a file":            pack(t, file("f", "x"), file("f/g", "x")),
		"the folder as a file":    pack(t, file(".", "x")),
		"a symlink to nothing":    pack(t, link(tar.TypeSymlink, "s", "")),
		"no archive":              bytes.Repeat([]byte("no archive at all "), 100),
		"half an archive":         pack(t, file("f", strings.Repeat("x", 10000)))[:5000],
		"too many":                pack(t, file("1", ""), file("2", ""), file("3", ""), file("4", "")),
		"too much":                pack(t, file("1", strings.Repeat("x", 60_000)), file("2", strings.Repeat("x", 60_000))),
		"more after the end":      append(pack(t, file("1", "")), make([]byte, 2<<20)...),
	} {
		t.Run(name, func(t *testing.T) {
			server, dir := serve(t), t.TempDir()
			_ = os.WriteFile(dir+"/victim", []byte("safe"), 0o644)
			for _, target := range []string{dir + "/new", dir + "/old"} {
				if target == dir+"/old" {
					_ = os.Mkdir(target, 0o755)
					_ = os.WriteFile(target+"/f", []byte("old"), 0o644)
				}
				code, message := send(t, server, target, "&maxEntries=3&maxBytes=100000", bytes.NewReader(archive))
				if code != "invalid_argument" && code != "too_large" {
					t.Errorf("%s: got %q %q", target, code, message)
				}
			}
			expect(t, dir, "old drwxr-xr-x", "old/f -rw-r--r-- \"old\"", "victim -rw-r--r-- \"safe\"")
		})
	}
}

func TestAnUploadThatBreaksOffChangesNothing(t *testing.T) {
	dir := t.TempDir() // removed after the server has ended what it does in it
	server := serve(t)
	_ = os.Mkdir(dir+"/t", 0o755)
	_ = os.WriteFile(dir+"/t/f", []byte("old"), 0o644)
	archive := pack(t, file("f", "new"), file("g", strings.Repeat("x", 1<<20)))
	reader, writer := io.Pipe()
	go func() {
		_, _ = writer.Write(archive[:len(archive)/2])
		_ = writer.CloseWithError(errors.New("the wire was cut"))
	}()
	if code, _ := send(t, server, dir+"/t", "", reader); code == "" {
		t.Error("expected an error")
	}
	for range 100 {
		if entries, _ := os.ReadDir(dir); len(entries) == 1 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	expect(t, dir, "t drwxr-xr-x", "t/f -rw-r--r-- \"old\"")
}

func TestWhatIsRefusedLeavesNoParents(t *testing.T) {
	dir, server := t.TempDir(), serve(t)
	archive := pack(t, file("f", "new"))
	if code, _ := send(t, server, dir+"/a/b/c", "&maxBytes=1", bytes.NewReader(archive)); code != "too_large" {
		t.Errorf("got %q", code)
	}
	expect(t, dir)
	if code, _ := send(t, server, dir+"/a/b/c", "", bytes.NewReader(archive)); code != "" {
		t.Errorf("got %q", code)
	}
	expect(t, dir, "a drwxr-xr-x", "a/b drwxr-xr-x", "a/b/c drwxr-xr-x", "a/b/c/f -rw-r--r-- \"new\"")
}

func TestOutAndInAgain(t *testing.T) {
	server, dir := serve(t), t.TempDir()
	source := dir + "/source"
	_ = os.MkdirAll(source+"/empty", 0o711)
	_ = os.MkdirAll(source+"/d/e", 0o755)
	deep := source + "/" + strings.Repeat(strings.Repeat("long", 40)+"/", 3)
	_ = os.MkdirAll(deep, 0o755)
	_ = os.WriteFile(deep+"f", []byte("deep"), 0o600)
	_ = os.WriteFile(source+"/d/e/\xff\xfe", []byte("bytes"), 0o640)
	_ = os.WriteFile(source+"/d/ü\n", bytes.Repeat([]byte("y"), 700_000), 0o755)
	_ = os.Symlink("/no/where", source+"/d/s")
	_ = os.Symlink("\xff", source+"/d/odd")
	sparse, _ := os.Create(source + "/sparse")
	_, _ = sparse.WriteAt([]byte("end"), 5<<20)
	_ = sparse.Close()
	when := time.Unix(1_000_000_000, 0)
	_ = os.Chtimes(source+"/d/e", when, when)

	response, err := http.Get(server + "/v1/archive/get?path=" + source)
	if err != nil || response.StatusCode != 200 {
		t.Fatal(err, response.Status)
	}
	defer response.Body.Close()
	if code, message := send(t, server, dir+"/copy", "", response.Body); code != "" {
		t.Fatal(code, message)
	}
	want := tree(t, source)
	expect(t, dir+"/copy", want...)
	if info, _ := os.Stat(dir + "/copy/d/e"); !info.ModTime().Equal(when) {
		t.Error("the time of a folder was lost")
	}
}

func TestSparse(t *testing.T) {
	server, dir := serve(t), t.TempDir()
	f, _ := os.Create(dir + "/sparse")
	_, _ = f.WriteAt([]byte("middle"), 1<<30)
	_ = f.Truncate(10 << 30)
	_ = f.Close()
	_ = os.Mkdir(dir+"/hole", 0o755)
	f, _ = os.Create(dir + "/hole/only")
	_ = f.Truncate(1 << 40)
	_ = f.Close()
	for path, size := range map[string]string{"/sparse": "10737418240", "/hole": "1099511627776"} {
		response, err := http.Get(server + "/v1/archive/get?records=1&path=" + dir + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		header, err := tar.NewReader(bytes.NewReader(body)).Next()
		if err != nil || header.PAXRecords[recordSize] != size || header.Size > 1<<16 {
			t.Errorf("%s: %+v %v, %d bytes", path, header, err, len(body))
		}
	}
}

func TestLeftOutIsTold(t *testing.T) {
	server, dir := serve(t), t.TempDir()
	_ = syscall.Mkfifo(dir+"/fifo", 0o600)
	_ = os.WriteFile(dir+"/file", nil, 0o600)
	response, err := http.Get(server + "/v1/archive/get?records=1&path=" + dir)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	archive, names, skipped := tar.NewReader(response.Body), []string{}, ""
	for header, err := archive.Next(); err == nil; header, err = archive.Next() {
		names = append(names, header.Name)
		skipped = header.PAXRecords[recordSkipped]
	}
	if skipped != "1" || len(names) != 2 || names[0] != "file" {
		t.Errorf("got %v and %q", names, skipped)
	}
}

func TestOutRefusals(t *testing.T) {
	server, dir := serve(t), t.TempDir()
	for path, status := range map[string]int{"relative": 400, dir + "/none": 404, "/dev/null": 400, "": 400} {
		response, err := http.Get(server + "/v1/archive/get?path=" + url.QueryEscape(path))
		if err != nil || response.StatusCode != status {
			t.Errorf("%q: %v %v", path, response.StatusCode, err)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, name := range []string{"a/b", "./a//b/", "../a", "/a", ".", "a/..", "a/\x00", strings.Repeat("a/", 300)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean, err := cleanName(name)
		if err != nil {
			return
		}
		if !filepath.IsLocal(clean) || filepath.Clean(clean) != clean || strings.IndexByte(clean, 0) >= 0 || len(clean) > maxPathBytes {
			t.Errorf("%q gave %q", name, clean)
		}
		if again, err := cleanName(clean); err != nil || again != clean {
			t.Errorf("%q gave %q, then %q", name, clean, again)
		}
	})
}

// FuzzExtract has any bytes as an archive: whatever happens, nothing is outside of the folder.
func FuzzExtract(f *testing.F) {
	f.Add(pack(f, file("a/b", "x"), link(tar.TypeSymlink, "s", ".."), file("s/up", "x"), link(tar.TypeLink, "h", "a/b")))
	f.Add(pack(f, tar.Header{Typeflag: tar.TypeDir, Name: "d/"}, file("d/../../x", "")))
	outside := f.TempDir()
	f.Fuzz(func(t *testing.T, archive []byte) {
		dir, err := os.MkdirTemp(outside, "in")
		if err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		x := newExtractor(root)
		x.maxBytes, x.maxEntries = 1<<20, 100
		_ = x.all(tar.NewReader(bytes.NewReader(archive)))
		x.close()
		parent, _ := os.OpenRoot(outside)
		removeAll(parent, filepath.Base(dir))
		parent.Close()
		root.Close()
		if left := tree(t, outside); len(left) > 0 {
			t.Errorf("left %v", left)
		}
	})
}
