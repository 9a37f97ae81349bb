package session

import (
	"sort"
	"strings"
)

// Quote makes text one word for any POSIX shell.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// initLine makes an interactive shell quiet. Interactive, since then SIGINT aborts what runs and the shell reads on; quiet,
// since nobody sees its prompts. The trap tells a last time where the shell was, for the one that takes its place.
func initLine(bash bool, dir string) string {
	last := `POSIXLY_CORRECT=y; \unset -f command; ` + saveEnv(dir+"/env.exit") + `\command printf '\0X%s\0' "${PWD-}" >` + dir + "/ctl"
	line := "PS1= PS2=; set +m; trap " + Quote(last) + " EXIT"
	if bash {
		line += "; set +o history +H"
	}
	return line + "\n"
}

// The end of a complete file of saveEnv.
const envEnd = "#end\n"

// saveEnv writes what the shell exports to a file, as shell text. It takes two redirections, since a DEBUG trap of the command's would print
// into a group's, and >| since noclobber may be on. Builtins that are special come before functions in POSIX mode, `command` reaches the others.
func saveEnv(path string) string {
	return `\export -p >|` + path + `; \command printf '#end\n' >>` + path + "; "
}

// run is one command on its way into a shell.
type run struct {
	nonce  string
	script string // the file that holds the command's text
	stdin  string // a FIFO, or "" for /dev/null
	stdout string
	stderr string
	dir    string // where the control FIFO is
	save   string // the file for the environment afterwards
	cwd    string // for this command only, or ""
	env    map[string]string
}

// lines are what the shell reads. The command is sourced from a file: no quoting, no length limit of a line, and a syntax error in it
// ends the source, not the shell. It goes with redirections around it, so that an `exec >file` inside is undone, and with the control
// FIFO nowhere open. The report is a line of its own, since SIGINT throws away the rest of the line that it interrupts.
//
// The command may have redefined any builtin as a function. In POSIX mode the special builtins come before functions, and an
// assignment to POSIXLY_CORRECT turns that mode on without calling anything; then `command` can be freed, and reaches the rest.
func (r run) lines() string {
	var b strings.Builder
	if r.cwd != "" {
		b.WriteString(`__lms_cwd=${PWD-}; \command \cd -- ` + Quote(r.cwd) + ` >/dev/null 2>&1; `)
	}
	names := make([]string, 0, len(r.env))
	for name := range r.env {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		b.WriteString(name + "=" + Quote(r.env[name]) + " ")
	}
	stdin := "/dev/null"
	if r.stdin != "" {
		stdin = r.stdin
	}
	// Without `command`, assignments before a special builtin would stay in the shell.
	b.WriteString(`\command \. ` + r.script + " <" + stdin + " >" + r.stdout + " 2>" + r.stderr + "\n")
	return b.String() + r.report()
}

// report is the line that reports. It does no harm to send it twice.
func (r run) report() string {
	var b strings.Builder
	b.WriteString(`__lms=$? POSIXLY_CORRECT=${POSIXLY_CORRECT-$$}; \unset -f command; `)
	if r.cwd != "" {
		b.WriteString(`case ${PWD-} in ` + Quote(r.cwd) + `) \command \cd -- "$__lms_cwd" >/dev/null 2>&1; esac; `)
	}
	b.WriteString(`\command printf '\0D` + r.nonce + ` %d\0%s\0' "$__lms" "${PWD-}" >` + r.dir + "/ctl; ")
	b.WriteString(saveEnv(r.save))
	b.WriteString(`case $POSIXLY_CORRECT in $$) \unset POSIXLY_CORRECT; esac; `)
	// Gives $? back to the next command; && keeps `set -e` from ending the shell here.
	b.WriteString(`case $__lms in 0) ;; 1) ! \command :;; *) (\exit $__lms) && :;; esac` + "\n")
	return b.String()
}
