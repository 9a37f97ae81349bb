// Package account is whom the machine works for: sessions, jobs and terminals run as this user, and what the file requests make is this
// user's. Root unless Use says otherwise; one for the whole agent, as a umask is.
package account

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"lms-computer/guest/internal/wire"
)

// Account is a user of the machine.
type Account struct {
	Name   string
	UID    uint32
	GID    uint32
	Groups []uint32 // without GID
}

var (
	current = Account{Name: "root"}
	problem error
)

// Use makes the user that is asked for the one that the machine works for: a name, or UID[:GID]. A name that the machine does not know
// becomes a new account. When that fails the machine works for nobody: Err says why.
func Use(asked string) {
	var err error
	problem = nil
	if current, err = find("/etc", asked); err != nil {
		problem = wire.Errorf("invalid_argument", "the machine can not run anything as the user that it was made for: %s", err)
	}
}

// Current is whom the machine works for.
func Current() Account { return current }

// Err is why there is nobody to work for. Nothing is then run: least of all as root.
func Err() error { return problem }

// Root tells whether As and Credential change nothing.
func (a Account) Root() bool { return a.UID == 0 && a.GID == 0 && len(a.Groups) == 0 }

// Credential is for a child of the agent; nil leaves it as the agent is.
func Credential() *syscall.Credential {
	if problem != nil || current.Root() {
		return nil
	}
	return &syscall.Credential{Uid: current.UID, Gid: current.GID, Groups: current.Groups}
}

// As runs f with the file system seen and changed as by the user: the kernel checks what may be done, and what is made has the right owner
// from the first. In the kernel these ids belong to a thread (setfsuid(2)), so f must not go on in other goroutines.
func As(f func() error) error {
	if problem != nil {
		return problem
	}
	if current.Root() {
		return f()
	}
	runtime.LockOSThread()
	if filesAs() == current.UID && setID(syscall.SYS_SETFSGID, invalid) == current.GID { // it is within another As
		defer runtime.UnlockOSThread()
		return f()
	}
	before, err := syscall.Getgroups()
	if err == nil {
		err = become(current.UID, current.GID, current.Groups)
	}
	if err != nil {
		return err // the thread stays locked and ends with its goroutine: nobody else is to have it
	}
	defer func() {
		if become(0, 0, narrow(before)) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return f()
}

// Handler serves as the user.
func Handler(next http.Handler) http.Handler {
	if problem == nil && current.Root() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := As(func() error { next.ServeHTTP(w, r); return nil }); err != nil {
			wire.Fail(w, err)
		}
	})
}

// Give makes what the agent itself has just opened the user's.
func Give(file *os.File) error {
	if problem != nil || current.Root() {
		return problem
	}
	return file.Chown(int(current.UID), int(current.GID))
}

// become acts on the calling thread alone, unlike the functions of package syscall. The user last: from then on, the capabilities that
// change files are gone until it is 0 again (capabilities(7)).
func become(uid, gid uint32, groups []uint32) error {
	if uid == 0 {
		setID(syscall.SYS_SETFSUID, 0)
	}
	var first unsafe.Pointer
	if len(groups) > 0 {
		first = unsafe.Pointer(&groups[0])
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETGROUPS, uintptr(len(groups)), uintptr(first), 0); errno != 0 {
		return os.NewSyscallError("setgroups", errno)
	}
	setID(syscall.SYS_SETFSGID, gid)
	if uid != 0 {
		setID(syscall.SYS_SETFSUID, uid)
	}
	// setfsuid(2) tells of no failure; asking again answers what is.
	if has := filesAs(); has != uid {
		return fmt.Errorf("setfsuid: expected to be %d, am %d", uid, has)
	}
	if has := setID(syscall.SYS_SETFSGID, invalid); has != gid {
		return fmt.Errorf("setfsgid: expected to be %d, am %d", gid, has)
	}
	return nil
}

// invalid is no number of anybody's: asking for it changes nothing.
const invalid = 1<<32 - 1

func filesAs() uint32 { return setID(syscall.SYS_SETFSUID, invalid) }

func setID(call uintptr, id uint32) (before uint32) {
	was, _, _ := syscall.RawSyscall(call, uintptr(id), 0, 0)
	return uint32(was)
}
