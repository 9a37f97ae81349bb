// Package tree tells what the machine's files are, so that two machines can be compared without moving what they hold.
package tree

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"lms-computer/guest/internal/wire"
)

// left are the places that are no part of a checkpoint, or that every machine has of its own.
var left = map[string]bool{
	"/.lms": true, "/dev": true, "/proc": true, "/run": true, "/sys": true, "/tmp": true, "/var/lib/lms": true, "/etc/machine-id": true,
	"/.dockerenv": true, "/run/.containerenv": true,
}

const maxPath = 1 << 20

// Register adds the routes.
func Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/tree", list)
	mux.HandleFunc("POST /v1/tree/hashes", hashes)
}

// list answers three texts for each file, each with a NUL at its end: what is to be equal, what says that nothing was done to
// the content, and the path.
func list(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	out := bufio.NewWriterSize(w, 256<<10)
	mounted := otherMounts()
	_ = filepath.WalkDir("/", func(path string, entry fs.DirEntry, err error) error {
		if r.Context().Err() != nil {
			return r.Context().Err()
		}
		if err != nil {
			return nil // gone meanwhile
		}
		if left[path] || mounted[path] {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		var stat syscall.Stat_t
		if syscall.Lstat(path, &stat) != nil {
			return nil
		}
		facts, stamp := describe(path, &stat)
		_, err = fmt.Fprintf(out, "%s\x00%s\x00%s\x00", facts, stamp, path)
		return err
	})
	_ = out.Flush()
}

func describe(path string, stat *syscall.Stat_t) (facts, stamp string) {
	facts = fmt.Sprintf("%o %d %d", stat.Mode, stat.Uid, stat.Gid)
	switch stat.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		// Nobody can set a change time (inode(7)): with the same inode it is the same content.
		return fmt.Sprintf("%s %d", facts, stat.Size), fmt.Sprintf("%d %d.%09d", stat.Ino, stat.Ctim.Sec, stat.Ctim.Nsec)
	case syscall.S_IFLNK:
		target, _ := os.Readlink(path)
		return facts + " " + target, ""
	case syscall.S_IFCHR, syscall.S_IFBLK:
		return fmt.Sprintf("%s %d", facts, stat.Rdev), ""
	}
	return facts, ""
}

// otherMounts are single files that an engine put in place, such as /etc/hosts, and file systems in memory.
func otherMounts() map[string]bool {
	data, _ := os.ReadFile("/proc/self/mountinfo")
	found := map[string]bool{}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(string(data)) {
		before, after, ok := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(kind) == 0 || fields[4] == "/" {
			continue
		}
		path := unescape.Replace(fields[4])
		info, err := os.Lstat(path)
		switch kind[0] {
		case "tmpfs", "proc", "sysfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2":
			found[path] = true
		default:
			found[path] = err == nil && !info.IsDir()
		}
	}
	return found
}

// hashes reads paths, each with a NUL at its end, and answers one line for each: SHA-256 in hex, or - for what can not be read.
func hashes(w http.ResponseWriter, r *http.Request) {
	in := bufio.NewScanner(r.Body)
	in.Buffer(nil, maxPath)
	in.Split(func(data []byte, atEnd bool) (int, []byte, error) {
		for i, b := range data {
			if b == 0 {
				return i + 1, data[:i], nil
			}
		}
		return 0, nil, nil
	})
	var paths []string
	for in.Scan() {
		paths = append(paths, in.Text())
	}
	if err := in.Err(); err != nil {
		wire.Fail(w, wire.Errorf("invalid_argument", "expected paths with a NUL at the end of each: %s", err))
		return
	}
	out := bufio.NewWriter(w)
	for _, path := range paths {
		if r.Context().Err() != nil {
			return
		}
		fmt.Fprintln(out, hash(path))
	}
	_ = out.Flush()
}

func hash(path string) string {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "-"
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return "-"
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "-"
	}
	return hex.EncodeToString(sum.Sum(nil))
}
