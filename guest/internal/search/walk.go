package search

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"lms-computer/guest/internal/files"
	"lms-computer/guest/internal/search/glob"
	"lms-computer/guest/internal/search/ignore"
)

// skipped are directories that hold what nobody wrote.
var skipped = map[string]bool{".git": true, "node_modules": true, ".cache": true}

// walker goes through a tree in the order of paths. Symlinks are not followed.
type walker struct {
	ctx       context.Context
	hidden    bool // names that begin with a dot, too
	all       bool // enter the skipped directories, too
	gitignore bool
	filter    *glob.Filter
	// visit is called for everything that is not left out; a directory comes before what it holds, and is entered if enter.
	visit      func(path string, c child, depth int, enter bool) error
	maxDepth   int // 0: none
	unreadable int // directories that could not be read
	buffer     [64 << 10]byte
}

// errStop ends a walk early.
var errStop = errors.New("stop")

// walk goes through the directory at root.
func (w *walker) walk(root string) error {
	var rules *ignore.Stack
	if w.gitignore {
		rules = rulesAbove(root)
	}
	prefix := strings.TrimRight(root, "/") + "/"
	children, device, err := readDirectory(prefix, w.buffer[:])
	if err != nil {
		return err
	}
	return w.children(prefix, len(prefix), children, device, rules, 1)
}

func (w *walker) children(dir string, root int, children []child, device uint64, rules *ignore.Stack, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if w.gitignore {
		for _, c := range children {
			if c.name == ".gitignore" && c.kind == file {
				rules = rules.Push(dir, readRules(dir+c.name))
			}
		}
	}
	for _, c := range children {
		if c.name[0] == '.' && !w.hidden {
			continue
		}
		path := dir + c.name
		isDirectory := c.kind == directory
		if rules != nil && rules.Ignored(path, isDirectory) {
			continue
		}
		if w.filter != nil && (isDirectory && !w.filter.Enter(path[root:]) || !isDirectory && !w.filter.File(path[root:])) {
			continue
		}
		enter := isDirectory && (w.all || !skipped[c.name]) && (w.maxDepth == 0 || depth < w.maxDepth)
		if err := w.visit(path, c, depth, enter); err != nil {
			return err
		}
		if !enter {
			continue
		}
		below, on, err := readDirectory(path, w.buffer[:])
		if err == nil && on != device && files.IsGenerated(path) { // /proc below /
			continue
		}
		if err != nil {
			if !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ENOTDIR) { // gone since
				w.unreadable++
			}
			continue
		}
		if err := w.children(path+"/", root, below, on, rules, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// rulesAbove gives those of the directories from root's repository down to root's parent.
func rulesAbove(root string) *ignore.Stack {
	real, err := filepath.EvalSymlinks(root)
	if err != nil || real != strings.TrimRight(root, "/") { // paths that are spelled otherwise would not match
		return nil
	}
	var above []string
	for dir := real; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			break
		}
		if dir == "/" {
			return nil
		}
		above = append(above, filepath.Dir(dir))
	}
	var rules *ignore.Stack
	for i := len(above) - 1; i >= 0; i-- {
		prefix := strings.TrimRight(above[i], "/") + "/"
		rules = rules.Push(prefix, readRules(prefix+".gitignore"))
	}
	return rules
}

// readRules gives none for what cannot be read.
func readRules(path string) *ignore.Rules {
	const maxBytes = 1 << 20
	buffer := make([]byte, 0, 4096)
	fd, err := open(path, false, 0)
	if err != nil {
		return ignore.Parse("")
	}
	defer syscall.Close(fd)
	for len(buffer) < maxBytes {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, make([]byte, len(buffer))...)[:len(buffer)]
		}
		n, err := retry(func() (int, error) { return syscall.Read(fd, buffer[len(buffer):cap(buffer)]) })
		if n <= 0 || err != nil {
			break
		}
		buffer = buffer[:len(buffer)+n]
	}
	return ignore.Parse(string(buffer))
}
