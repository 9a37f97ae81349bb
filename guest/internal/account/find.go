package account

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lms-computer/guest/internal/own"
)

const (
	maxFileBytes = 4 << 20
	firstID      = 1000 // of people (login.defs)
	lastID       = 60000
)

var (
	namePattern   = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	numberPattern = regexp.MustCompile(`^(\d{1,10})(?::(\d{1,10}))?$`)
)

// find looks the user up in the files of etc, and makes the account where only its name is known.
func find(etc, asked string) (Account, error) {
	passwd, group := lines(etc, "passwd"), lines(etc, "group")
	if number := numberPattern.FindStringSubmatch(asked); number != nil {
		return byNumber(passwd, group, number[1], number[2])
	}
	if !namePattern.MatchString(asked) {
		return Account{}, fmt.Errorf("expected a user's name or UID[:GID], got %q", asked)
	}
	if fields := entry(passwd, 7, 0, asked); fields != nil {
		return known(fields, group)
	}
	if asked == "root" {
		return Account{Name: "root"}, nil
	}
	return create(etc, asked, passwd, group)
}

func byNumber(passwd, group [][]string, user, primary string) (Account, error) {
	uid, err := number(user)
	if err != nil {
		return Account{}, err
	}
	a := Account{Name: strconv.FormatUint(uint64(uid), 10), UID: uid, GID: uid}
	if fields := entry(passwd, 7, 2, a.Name); fields != nil {
		if a, err = known(fields, group); err != nil {
			return a, err
		}
	}
	if primary == "" {
		return a, nil
	}
	// As with an engine: a group that is named stands alone.
	a.Groups = nil
	a.GID, err = number(primary)
	return a, err
}

// known is the account of a line of passwd.
func known(fields []string, group [][]string) (Account, error) {
	uid, err := number(fields[2])
	if err != nil {
		return Account{}, err
	}
	gid, err := number(fields[3])
	if err != nil {
		return Account{}, err
	}
	a := Account{Name: fields[0], UID: uid, GID: gid}
	if uid == 0 {
		return a, nil
	}
	for _, line := range group {
		if len(line) == 4 && slices.Contains(strings.Split(line[3], ","), a.Name) {
			if id, err := number(line[2]); err == nil && id != gid {
				a.Groups = append(a.Groups, id)
			}
		}
	}
	return a, nil
}

// create adds an account with a group of its own.
func create(etc, name string, passwd, group [][]string) (Account, error) {
	id := uint32(firstID)
	for taken := func(text string) bool { return entry(passwd, 7, 2, text) != nil || entry(group, 4, 2, text) != nil }; ; id++ {
		if id > lastID {
			return Account{}, fmt.Errorf("there is no number left for a new user %s", name)
		}
		if !taken(strconv.FormatUint(uint64(id), 10)) {
			break
		}
	}
	gid := id
	if fields := entry(group, 4, 0, name); fields != nil {
		var err error
		if gid, err = number(fields[2]); err != nil {
			return Account{}, err
		}
	} else if err := appendLine(etc, "group", fmt.Sprintf("%s:x:%d:", name, gid)); err != nil {
		return Account{}, err
	}
	// Locked: nobody becomes this user by a password.
	line := fmt.Sprintf("%s:x:%d:%d::/home/user:/bin/sh", name, id, gid)
	if err := appendLine(etc, "passwd", line); err != nil {
		return Account{}, err
	}
	// As it is found the next time: a group may have named it before it was there.
	return known(strings.Split(line, ":"), group)
}

// appendLine writes the file anew beside itself: a machine that dies meanwhile must not be left with half of its accounts.
func appendLine(etc, name, line string) error {
	path := filepath.Join(etc, name)
	old, err := own.Read(path, maxFileBytes)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	text := string(old)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if err := own.Write(path+".lms-new", []byte(text+line+"\n")); err != nil {
		return err
	}
	if err := os.Chmod(path+".lms-new", 0o644); err != nil {
		return err
	}
	return os.Rename(path+".lms-new", path)
}

// lines are what is readable of a file whose fields are parted by colons; what is not there has none.
func lines(etc, name string) (all [][]string) {
	data, _ := own.Read(filepath.Join(etc, name), maxFileBytes)
	for line := range strings.Lines(string(data)) {
		all = append(all, strings.Split(strings.TrimSuffix(line, "\n"), ":"))
	}
	return all
}

func entry(all [][]string, fields, at int, value string) []string {
	for _, line := range all {
		if len(line) == fields && line[at] == value {
			return line
		}
	}
	return nil
}

// number refuses the one that stands for "leave it as it is" in the kernel.
func number(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 1<<32-1 {
		return 0, fmt.Errorf("expected the number of a user or group, got %q", text)
	}
	return uint32(n), nil
}

func narrow(groups []int) []uint32 {
	all := make([]uint32, 0, len(groups))
	for _, group := range groups {
		all = append(all, uint32(group))
	}
	return all
}
