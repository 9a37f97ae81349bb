package info

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// maxSmallBytes bounds what is read of any file here: root in the guest may put another in its place.
const maxSmallBytes = 64 << 10

// readSmall gives the beginning of a regular file, or nothing.
func readSmall(root, path string) string {
	f, err := os.OpenFile(filepath.Join(root, path), os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	content, _ := io.ReadAll(io.LimitReader(f, maxSmallBytes))
	return string(content)
}
