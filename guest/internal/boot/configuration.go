package boot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const maxConfigurationBytes = 64 << 20

// personal are files of /etc that are left out though everybody may read them: they tell of the host's people, disks and
// programs to load, and mean nothing in the guest. The ones that it needs, writeIdentity makes anew.
var personal = map[string]bool{
	"passwd": true, "passwd-": true, "group": true, "group-": true, "subuid": true, "subuid-": true, "subgid": true, "subgid-": true,
	"hostname": true, "hosts": true, "resolv.conf": true, "mtab": true, "machine-id": true, "fstab": true, "crypttab": true, "exports": true,
}

// walkShown visits what of a configuration a machine may see: a copy of it and a mark of what is in the copy are of the same files.
func walkShown(source string, visit func(path, name string, entry fs.DirEntry, info fs.FileInfo) error) error {
	return filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			// Gone meanwhile, or not ours to read.
			if path != source && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
				return nil
			}
			return err
		}
		name := strings.TrimPrefix(path[len(source):], "/")
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		switch {
		case entry.IsDir() && name != "" && private(info.Mode()):
			return fs.SkipDir
		case private(info.Mode()) || personal[name]:
			return nil
		}
		return visit(path, name, entry, info)
	})
}

// copyConfiguration copies what is not private. A copy, not an overlay over the host's directory: while the machine runs,
// `passwd` on the host makes files there that root in the guest could catch before they have their final name.
// left counts the files that did not fit.
func copyConfiguration(source, target string) (left int, err error) {
	room := int64(maxConfigurationBytes)
	buffer := make([]byte, 64<<10)
	err = walkShown(source, func(path, name string, entry fs.DirEntry, info fs.FileInfo) error {
		to := filepath.Join(target, name)
		switch {
		case entry.IsDir():
			if err := os.Mkdir(to, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
		case info.Mode().Type() == fs.ModeSymlink:
			link, err := os.Readlink(path)
			if err != nil {
				return nil
			}
			if err := os.Symlink(link, to); err != nil {
				return err
			}
		default:
			if room -= info.Size(); room < 0 {
				left++
				return nil
			}
			if err := copyFile(path, to, info.Mode(), buffer); err != nil {
				return err
			}
		}
		return alike(to, info)
	})
	return left, err
}

// copyFile uses plain system calls: there are thousands of small files, and os.File would register each with the poller.
func copyFile(source, target string, mode fs.FileMode, buffer []byte) error {
	in, err := syscall.Open(source, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil // gone meanwhile
	}
	defer syscall.Close(in)
	// Replaced meanwhile, under the same name, by something that is private?
	var stat syscall.Stat_t
	if err := syscall.Fstat(in, &stat); err != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFREG || stat.Mode&0o004 == 0 {
		return os.WriteFile(target, nil, 0o600)
	}
	out, err := syscall.Open(target, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL|syscall.O_CLOEXEC, uint32(mode.Perm()))
	if err != nil {
		return &os.PathError{Op: "create", Path: target, Err: err}
	}
	defer syscall.Close(out)
	for {
		n, err := syscall.Read(in, buffer)
		if err != nil {
			return &os.PathError{Op: "read", Path: source, Err: err}
		}
		if n == 0 {
			return nil
		}
		if m, err := syscall.Write(out, buffer[:n]); err != nil || m != n {
			return &os.PathError{Op: "write", Path: target, Err: errors.Join(err, syscall.ENOSPC)}
		}
		// A short read of a regular file is its end; this saves a call for each.
		if n < len(buffer) {
			return nil
		}
	}
}

// writeIdentity makes the files that say who and where the guest is.
func writeIdentity(host, target, hostname, directory string) error {
	passwd, names := accounts(read(host, "passwd"))
	files := []struct {
		name, content string
		mode          os.FileMode
	}{
		{"passwd", passwd, 0o644},
		{"group", groups(read(host, "group"), names), 0o644},
		// Locked for everybody: root in the guest needs no password to become somebody, nobody else can.
		{"shadow", lockedPasswords(names), 0o640},
		{"hostname", hostname + "\n", 0o644},
		{"hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t" + hostname + "\n", 0o644},
		{"resolv.conf", "", 0o644},
		{"fstab", "", 0o644},
		{"machine-id", machineID(read(host, "machine-id"), directory) + "\n", 0o444},
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(target, file.name), []byte(file.content), file.mode); err != nil {
			return err
		}
	}
	return os.Symlink("../proc/self/mounts", filepath.Join(target, "mtab"))
}

func read(directory, name string) string {
	data, _ := os.ReadFile(filepath.Join(directory, name))
	return string(data)
}

// belongsToSystem: from 1000 on the numbers are people's (login.defs); 65534 is nobody.
func belongsToSystem(field string) bool {
	id, err := strconv.Atoi(field)
	return err == nil && (id >= 0 && id < 1000 || id == 65534)
}

// accounts keeps the accounts of the system, which packages rely on, and drops those of people.
func accounts(passwd string) (kept string, names []string) {
	var text strings.Builder
	root := false
	for line := range strings.Lines(passwd) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(fields) != 7 || !belongsToSystem(fields[2]) {
			continue
		}
		if fields[0] == "root" {
			root, fields[5] = true, "/root"
		}
		fields[1] = "x" // a hash here would be as good as one in shadow
		names = append(names, fields[0])
		text.WriteString(strings.Join(fields, ":") + "\n")
	}
	if !root {
		names = append(names, "root")
		text.WriteString("root:x:0:0:root:/root:/bin/sh\n")
	}
	return text.String(), names
}

// groups keeps the groups of the system, with those members that are accounts here.
func groups(group string, names []string) string {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	var text strings.Builder
	for line := range strings.Lines(group) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(fields) != 4 || !belongsToSystem(fields[2]) {
			continue
		}
		var members []string
		for _, member := range strings.Split(fields[3], ",") {
			if known[member] {
				members = append(members, member)
			}
		}
		text.WriteString(fields[0] + ":x:" + fields[2] + ":" + strings.Join(members, ",") + "\n")
	}
	if text.Len() == 0 {
		return "root:x:0:\n"
	}
	return text.String()
}

func lockedPasswords(names []string) string {
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "%s:*:19000:0:99999:7:::\n", name)
	}
	return text.String()
}

// machineID is always the same for one machine and does not give away the host's, as machine-id(5) asks for.
func machineID(host, directory string) string {
	sum := sha256.Sum256([]byte("lms-computer\x00" + host + "\x00" + directory))
	return hex.EncodeToString(sum[:16])
}
