package files

import (
	"context"
	"os"
	"slices"
	"syscall"
	"time"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/wire"
)

const (
	maxGeneratedBytes = 16 << 20
	// generatedDeadline is far beyond what any of them takes that does not wait for an event.
	generatedDeadline = 5 * time.Second
)

// generatedTypes are the file systems whose files are made as they are read, so that their size says nothing
// (linux/magic.h): proc, sysfs, cgroup, cgroup2, debugfs, tracefs, securityfs, configfs.
var generatedTypes = []int64{0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x64626720, 0x74726163, 0x73636673, 0x62656570}

// isGenerated says whether the size of a file means nothing. An empty one is read like these too: on FUSE (lxcfs, gVisor)
// they do not show their type.
func isGenerated(path string, info os.FileInfo) bool {
	return info.Size() == 0 || IsGenerated(path)
}

// IsGenerated says whether path is on such a file system.
func IsGenerated(path string) bool {
	var fs syscall.Statfs_t
	return syscall.Statfs(path, &fs) == nil && slices.Contains(generatedTypes, int64(fs.Type))
}

// readGenerated reads all of such a file. The kernel decides how long a read takes (some wait for an event and heed no
// O_NONBLOCK), so it is left behind when it takes too long.
func readGenerated(ctx context.Context, path string) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		r.err = account.As(func() (err error) { r.content, err = readUnblocked(path); return err }) // rights are a thread's
		done <- r
	}()
	timer := time.NewTimer(generatedDeadline)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.content, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, wire.Errorf("busy", "%q gave nothing within %s", path, generatedDeadline).With("path", path)
	}
}

// readUnblocked uses the system calls themselves: os.File would wait where EAGAIN says that there is nothing (/proc/kmsg).
func readUnblocked(path string) ([]byte, error) {
	fd, err := retry(func() (int, error) { return syscall.Open(path, syscall.O_RDONLY|openFlags, 0) })
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	var is syscall.Stat_t
	if err := syscall.Fstat(fd, &is); err != nil {
		return nil, err
	}
	if is.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, wire.Errorf("not_a_file", "expected %q to be a regular file, it is a %s", path, typeOf(is.Mode)).With("path", path)
	}
	buffer := buffers.Get().(*[chunkBytes]byte)
	defer buffers.Put(buffer)
	var content []byte
	for {
		n, err := retry(func() (int, error) { return syscall.Read(fd, buffer[:]) })
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			return content, nil
		}
		if len(content)+n > maxGeneratedBytes {
			return nil, wire.Errorf("too_large", "%q has more than %d bytes and no size of its own", path, maxGeneratedBytes).
				With("path", path).With("limit", maxGeneratedBytes)
		}
		content = append(content, buffer[:n]...)
	}
}

// retry is for calls that a signal may interrupt: Go's runtime sends them to itself.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR {
			return n, err
		}
	}
}
