package session

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/own"
	"lms-computer/guest/internal/process"
)

// shell is one interactive shell on a pipe. It runs one command at a time.
type shell struct {
	process *process.Process
	dir     string   // private files: the control FIFO, and those of each command
	stdin   *os.File // what the shell reads its commands from, to write
	named   *fifo    // the same, where it has a name
	control *os.File // read end
	keeper  *os.File // a write end of our own, so that reading never ends
	ahead   bool     // it reads its input ahead
	next    pair     // the FIFOs for the next command, made ahead
	latest  atomic.Pointer[Command]

	mu      sync.Mutex
	nonce   string
	after   string      // what a shell that reads ahead is sent once the command begins
	reports chan report // of the command that runs; one send for each expect
	cwd     string
	dying   string // the directory that the exit trap told
	files   int
	saved   string // the file with the environment after the last command that ended; "" before the first
	heard   int    // version as it was then
	before  string // the one before that
	from    state  // that it was started with

	version int // of the computer's environment that it has

	listened chan struct{} // closed when listen has returned
}

// pair are the FIFOs that a command writes to.
type pair struct{ stdout, stderr *fifo }

const fionread = 0x541b // ioctl_tty(2)

var shells atomic.Int64

// startShell starts a shell where `from` ended, or with the base environment if from is nil.
func startShell(c Config, from *state) (*shell, error) {
	// Short, since a shell reads what it is sent byte by byte.
	dir := filepath.Join(c.RunDir, strconv.FormatInt(shells.Add(1), 36))
	if err := own.Directory(dir); err != nil {
		return nil, err
	}
	if err := giveDirectory(dir); err != nil {
		return nil, err
	}
	s := &shell{dir: dir, reports: make(chan report, 1), listened: make(chan struct{})}
	if err := s.start(c, from); err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

func (s *shell) start(c Config, from *state) error {
	ctl := filepath.Join(s.dir, "ctl")
	control, err := openFifo(ctl)
	if err != nil {
		return err
	}
	s.control, s.keeper = control.reader, control.keeper
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	input := null
	argv, bash := c.argv()
	s.ahead = !bash
	if c.isBusybox() {
		// What it reads from its standard input it reads with fgets, which the end of a child interrupts (SIGCHLD without SA_RESTART): it takes that for an
		// end of input. And its own forked applets read on in the same buffer. From a file that has a name it reads as other shells do.
		if s.named, err = openFifo(filepath.Join(s.dir, "sh")); err != nil {
			return err
		}
		argv, s.stdin = append(argv, s.named.path), s.named.keeper
	} else {
		if input, s.stdin, err = os.Pipe(); err != nil {
			return err
		}
		defer input.Close()
	}

	for name, text := range map[string]string{"report": reportScript(s.dir), "status": statusScript} {
		if err := writeFor(filepath.Join(s.dir, name), []byte(text)); err != nil {
			return err
		}
	}
	env, cwd := c.Env, c.Home
	line := initLine(bash, s.dir)
	s.cwd = c.Home
	if from != nil {
		s.cwd, s.from = from.cwd, *from
		cwd = from.cwd
		if len(from.env) > 0 {
			restore := filepath.Join(s.dir, "restore")
			if err := writeFor(restore, from.env); err != nil {
				return err
			}
			env = []string{} // the restored one is complete; a variable that was unset stays unset
			line += `\. ` + restore + " >/dev/null 2>&1\n"
		}
		// The directory may be gone; then $PWD, which came with the environment, must not keep its name.
		line += `\cd -- ` + Quote(from.cwd) + ` >/dev/null 2>&1 || \cd -- ` + Quote(c.Home) + " >/dev/null 2>&1 || \\cd /\n"
	}
	vars, version := c.environment.lines(-1)
	s.version = version
	if vars != "" {
		if err := writeFor(filepath.Join(s.dir, "vars"), []byte(vars)); err != nil {
			return err
		}
		line += `\. ` + s.dir + "/vars >/dev/null 2>&1\n"
	}
	for _, other := range []string{c.Home, "/"} {
		if !Enterable(cwd) {
			cwd = other
		}
	}
	s.process, err = process.StartShell(argv, &syscall.ProcAttr{
		Dir:   cwd,
		Env:   env,
		Files: []uintptr{input.Fd(), null.Fd(), null.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true, Credential: account.Credential()},
	})
	if err != nil {
		return err
	}
	if err := s.write(line); err != nil {
		return err
	}
	go s.listen()
	return s.prepare()
}

// prepare makes the next command's FIFOs, off its critical path. Called with the session's turn.
func (s *shell) prepare() (err error) {
	s.next.stdout.close()
	s.next.stderr.close()
	s.next = pair{}
	s.files++
	base := filepath.Join(s.dir, strconv.Itoa(s.files))
	if s.next.stdout, err = openFifo(base + "o"); err == nil {
		s.next.stderr, err = openFifo(base + "e")
	}
	return err
}

// update has the next command begin with the computer's variables as they are now.
func (s *shell) update(c Config, next *run) error {
	vars, version := c.environment.lines(s.version)
	if vars == "" {
		return nil
	}
	path := filepath.Join(s.dir, "vars")
	if err := writeFor(path, []byte(vars+posixModeEnd)); err != nil {
		return err
	}
	s.mu.Lock()
	s.version = version
	s.mu.Unlock()
	next.vars = path
	return nil
}

// write sends lines; the deadline-free pipe never fills, since one command at a time is sent, and its line is short.
func (s *shell) write(lines string) error {
	_, err := s.stdin.WriteString(lines)
	return err
}

// began tells of a shell that has ended whether it had begun with what was sent. One that is killed as it waits may still read once: one that reads ahead
// would have said that it begins, and another one has read a byte of the line.
func (s *shell) began(r run) bool {
	if s.ahead {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.after == ""
	}
	lines := r.lines(false)
	return len(lines)-s.unread() > strings.IndexByte(lines, '\n')
}

// unread is how many bytes of what was written the shell has not read: all that it will not read, once it has ended.
func (s *shell) unread() (count int) {
	raw, err := s.stdin.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		var waiting int32
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, fionread, uintptr(unsafe.Pointer(&waiting)))
		if errno == 0 {
			count = int(waiting)
		}
	})
	return count
}

// send sends a command's lines.
func (s *shell) send(r run) error {
	if s.ahead {
		s.mu.Lock()
		s.after = r.report()
		s.mu.Unlock()
	}
	return s.write(r.lines(s.ahead))
}

// expect sets the nonce that is believed from now on.
func (s *shell) expect() string {
	raw := make([]byte, 12)
	_, _ = rand.Read(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nonce = hex.EncodeToString(raw)
	select {
	case <-s.reports: // the second one of a command that was asked twice
	default:
	}
	return s.nonce
}

// answers tells whether the shell still takes lines. After an interrupt busybox ash may report and then end, or act on the interrupt only
// with the next line, which is lost then.
func (s *shell) answers() bool {
	for range 4 {
		ask := run{nonce: s.expect(), dir: s.dir, save: s.turn()}
		if s.write(ask.report()) != nil {
			return false
		}
		select {
		case <-s.reports:
			return true
		case <-s.process.Done():
			return false
		case <-time.After(interruptGrace):
		}
	}
	return false
}

// listen takes in reports until the shell's files are closed.
func (s *shell) listen() {
	defer close(s.listened)
	var c control
	buffer := make([]byte, 32<<10)
	for {
		n, err := s.control.Read(buffer)
		if n > 0 {
			s.mu.Lock()
			for _, r := range c.feed(buffer[:n], s.nonce) {
				s.take(r)
			}
			s.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// take is called with the lock held.
func (s *shell) take(r report) {
	switch r.kind {
	case begins:
		if r.text == s.nonce && s.after != "" {
			_ = s.write(s.after)
			s.after = ""
		}
		return
	case exits:
		s.dying = s.directory(r.text)
		return
	}
	s.nonce = ""
	s.cwd = s.directory(r.text)
	r.text = s.cwd
	s.heard = s.version
	if path := s.saving(); s.saved != path {
		s.before, s.saved = s.saved, path
	}
	select {
	case s.reports <- r:
	default:
	}
}

// saving is the file that the command now running will write. Two take turns, so that the one before is whole while the next is written.
func (s *shell) saving() string { return filepath.Join(s.dir, "env."+s.turn()) }

func (s *shell) turn() string { return strconv.Itoa(s.files % 2) }

// directory believes $PWD when it is absolute; else the kernel tells.
func (s *shell) directory(pwd string) string {
	if filepath.IsAbs(pwd) {
		return pwd
	}
	cwd := s.cwd
	_ = account.As(func() error { // another user's process is not to be looked at, even by root without more capabilities (ptrace(2))
		is, err := os.Readlink("/proc/" + strconv.Itoa(s.process.Pid) + "/cwd")
		if err == nil && filepath.IsAbs(is) {
			cwd = is
		}
		return err
	})
	return cwd
}

// intact tells whether the shell can still report; the guest may have deleted our files.
func (s *shell) intact() bool {
	info, err := os.Lstat(filepath.Join(s.dir, "ctl"))
	return err == nil && info.Mode().Type() == os.ModeNamedPipe
}

// discard kills the shell alone (what it started in the background lives on, below PID 1) and removes its files.
func (s *shell) discard() {
	if s.process != nil {
		s.process.Signal(syscall.SIGKILL)
	}
	for _, file := range []*os.File{s.stdin, s.control, s.keeper} {
		if file != nil {
			file.Close()
		}
	}
	s.next.stdout.close()
	s.next.stderr.close()
	s.named.close()
	_ = os.RemoveAll(s.dir)
}

// settle is called when the shell has ended: it takes in what is left on the control FIFO. The wait is bounded, since any process of the
// machine may hold the FIFO open.
func (s *shell) settle() {
	s.keeper.Close()
	select {
	case <-s.listened:
	case <-time.After(time.Second):
	}
}
