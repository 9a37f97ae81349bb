// Package tree tells what the machine's files are, so that two machines can be compared without moving what they hold.
package tree

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"lms-computer/guest/internal/wire"
)

// left are the places that are no part of a checkpoint, or that every machine has of its own.
var left = map[string]bool{
	"/.lms": true, "/dev": true, "/proc": true, "/run": true, "/sys": true, "/tmp": true, "/var/lib/lms": true, "/etc/machine-id": true,
	"/.dockerenv": true, "/run/.containerenv": true,
}

const (
	maxPath = 1 << 20
	// maxDepth bounds the descriptors that are open at once.
	maxDepth = 1000
)

// Register adds the routes.
func Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/tree", list)
	mux.HandleFunc("POST /v1/tree/hashes", hashes)
}

// list answers three texts for each file, each with a NUL at its end: what is to be equal, what says that nothing was done to
// the content, and the path.
func list(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	l := lister{out: bufio.NewWriterSize(w, 256<<10), mounted: otherMounts(), done: r.Context().Done()}
	root, err := os.Open("/")
	if err != nil {
		wire.Fail(w, wire.FromOS(err, "/"))
		return
	}
	l.directory(root, "/", 0)
	_ = l.out.Flush()
}

type lister struct {
	out     *bufio.Writer
	mounted map[string]bool
	done    <-chan struct{}
	line    []byte
	link    [4096]byte
}

// directory closes it. Names are looked up in the open directory: resolving whole paths took most of the time, and ends at 4 KiB.
func (l *lister) directory(directory *os.File, path string, depth int) {
	defer directory.Close()
	names, _ := directory.Readdirnames(-1)
	fd := int(directory.Fd())
	for _, name := range names {
		select {
		case <-l.done:
			return
		default:
		}
		full := path + name
		if left[full] || l.mounted[full] {
			continue
		}
		var stat syscall.Stat_t
		if fstatat(fd, name, &stat) != nil {
			continue // gone meanwhile
		}
		l.describe(fd, name, full, &stat)
		if stat.Mode&syscall.S_IFMT != syscall.S_IFDIR || depth == maxDepth {
			continue
		}
		if inner, err := syscall.Openat(fd, name, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0); err == nil {
			l.directory(os.NewFile(uintptr(inner), name), full+"/", depth+1)
		}
	}
}

func (l *lister) describe(fd int, name, path string, stat *syscall.Stat_t) {
	number := func(n uint64) { l.line = append(strconv.AppendUint(l.line, n, 10), ' ') }
	l.line = l.line[:0]
	for _, n := range [...]uint32{stat.Mode, stat.Uid, stat.Gid} {
		number(uint64(n))
	}
	switch stat.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		number(uint64(stat.Size))
		l.line = append(l.line, 0)
		// Nobody can set a change time (inode(7)): with the same inode it is the same content.
		for _, n := range [...]int64{int64(stat.Ino), stat.Ctim.Sec, stat.Ctim.Nsec} {
			number(uint64(n))
		}
	case syscall.S_IFLNK:
		l.line = append(append(l.line, l.link[:readlinkat(fd, name, l.link[:])]...), 0)
	case syscall.S_IFCHR, syscall.S_IFBLK:
		number(uint64(stat.Rdev))
		l.line = append(l.line, 0)
	default:
		l.line = append(l.line, 0)
	}
	l.line = append(append(append(l.line, 0), path...), 0)
	_, _ = l.out.Write(l.line)
}

func fstatat(fd int, name string, stat *syscall.Stat_t) error {
	const nofollow = 0x100
	pointer, err := syscall.BytePtrFromString(name)
	if err != nil {
		return err
	}
	if _, _, errno := syscall.Syscall6(sysFstatat, uintptr(fd), uintptr(unsafe.Pointer(pointer)), uintptr(unsafe.Pointer(stat)), nofollow, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func readlinkat(fd int, name string, buffer []byte) int {
	pointer, err := syscall.BytePtrFromString(name)
	if err != nil {
		return 0
	}
	n, _, errno := syscall.Syscall6(syscall.SYS_READLINKAT, uintptr(fd), uintptr(unsafe.Pointer(pointer)), uintptr(unsafe.Pointer(&buffer[0])), uintptr(len(buffer)), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
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
