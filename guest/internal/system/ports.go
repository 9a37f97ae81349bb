package system

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/machine"
)

const (
	maxTableBytes = 16 << 20
	maxPorts      = 1024
	// maxDescriptors bounds how many open files are looked at to find who listens.
	maxDescriptors = 100_000
)

type port struct {
	Port    uint16 `json:"port"`
	Address string `json:"address"`
	UID     uint32 `json:"uid"`
	Pid     int    `json:"pid,omitempty"`
	Program string `json:"program,omitempty"`

	inode uint64
}

type ports struct {
	Ports     []port `json:"ports"`
	Truncated bool   `json:"truncated"`
}

// listPorts gives every TCP port that something in the machine listens on, by number.
func listPorts(root string) ports {
	list := ports{Ports: []port{}}
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.OpenFile(filepath.Join(root, "proc/net", table), os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil { // no IPv6
			continue
		}
		list.Ports = append(list.Ports, parseTable(io.LimitReader(f, maxTableBytes))...)
		f.Close()
	}
	slices.SortFunc(list.Ports, func(a, b port) int {
		if a.Port != b.Port {
			return int(a.Port) - int(b.Port)
		}
		return strings.Compare(a.Address, b.Address)
	})
	list.Ports = slices.CompactFunc(list.Ports, func(a, b port) bool { return a.Port == b.Port && a.Address == b.Address })
	if len(list.Ports) > maxPorts {
		list.Ports, list.Truncated = list.Ports[:maxPorts], true
	}
	findPrograms(root, list.Ports)
	return list
}

// parseTable reads proc_pid_net(5), /proc/net/tcp or tcp6, and keeps what listens.
func parseTable(table io.Reader) []port {
	const listening = "0A" // TCP_LISTEN in net/tcp_states.h
	var found []port
	lines := bufio.NewScanner(table)
	for lines.Scan() && len(found) <= maxPorts {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != listening {
			continue
		}
		address, ok := parseAddress(fields[1])
		uid, err1 := strconv.ParseUint(fields[7], 10, 32)
		inode, err2 := strconv.ParseUint(fields[9], 10, 64)
		if ok && err1 == nil && err2 == nil {
			found = append(found, port{Port: address.Port(), Address: address.Addr().String(), UID: uint32(uid), inode: inode})
		}
	}
	return found
}

// parseAddress reads ADDRESS:PORT in hex. The address is words in the machine's byte order, which is little on all that we run on.
func parseAddress(text string) (netip.AddrPort, bool) {
	address, number, _ := strings.Cut(text, ":")
	bytes, err1 := hex.DecodeString(address)
	port, err2 := strconv.ParseUint(number, 16, 16)
	if err1 != nil || err2 != nil || len(bytes) != 4 && len(bytes) != 16 {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(bytes, 4) {
		slices.Reverse(word)
	}
	is, _ := netip.AddrFromSlice(bytes)
	return netip.AddrPortFrom(is, uint16(port)), true
}

// findPrograms looks for the sockets among the open files of all processes.
func findPrograms(root string, list []port) {
	wanted := map[uint64][]*port{}
	for i := range list {
		wanted[list[i].inode] = append(wanted[list[i].inode], &list[i])
	}
	if len(wanted) == 0 {
		return
	}
	left := maxDescriptors
	all, _ := pidsOf(root)
	for _, pid := range all {
		for _, inode := range socketsOf(filepath.Join(root, "proc", strconv.Itoa(pid), "fd"), &left) {
			for _, one := range wanted[inode] {
				one.Pid, one.Program = pid, programOf(root, pid)
			}
			delete(wanted, inode) // the lowest has it, which as a rule opened it
		}
		if len(wanted) == 0 || left < 0 {
			return
		}
	}
}

// socketsOf gives the sockets among the open files of a process, and takes from left how many it looked at; below 0 there were more.
func socketsOf(dir string, left *int) (inodes []uint64) {
	look := func() error {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		defer f.Close()
		names, _ := f.Readdirnames(*left + 1)
		for _, name := range names {
			link, err := os.Readlink(filepath.Join(dir, name))
			if errors.Is(err, fs.ErrPermission) {
				return err
			}
			if inode, ok := parseSocket(link); ok {
				inodes = append(inodes, inode)
			}
		}
		*left -= len(names)
		return nil
	}
	if errors.Is(look(), fs.ErrPermission) { // another user's: only its own may look (ptrace(2))
		_ = account.As(look)
	}
	return inodes
}

// parseSocket reads `socket:[INODE]`.
func parseSocket(link string) (uint64, bool) {
	text, ok := strings.CutPrefix(link, "socket:[")
	if !ok {
		return 0, false
	}
	inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64)
	return inode, err == nil
}

func programOf(root string, pid int) string {
	return clean(string(bytes.TrimSuffix(machine.Read(maxNameBytes, root, "proc", strconv.Itoa(pid), "comm"), []byte("\n"))), maxNameBytes)
}
