package session

import (
	"os"
	"strings"
)

// Quote makes text one word for any POSIX shell.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// initLine makes an interactive shell quiet. Interactive, since then SIGINT aborts what runs and the shell reads on; quiet,
// since nobody sees its prompts. The trap tells a last time where the shell was, for the one that takes its place.
func initLine(bash bool, dir string) string {
	last := `POSIXLY_CORRECT=y; \unset -f command; ` + saveEnv(dir+"/env.exit") +
		`__lms_at=${PWD-}; case ${__lms_in-} in '') ;; "${PWD-}") __lms_at=$__lms_out;; esac; ` +
		`\command printf '\0\0X%s\0' "$__lms_at" 1<>` + dir + "/ctl"
	line := "PS1= PS2=; set +m; trap " + Quote(last) + " EXIT"
	if bash {
		// This line is the one that is in the history by then.
		line += "; set +o history +H; history -c"
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

// The control FIFO is opened for reading too (1<>): without a reader, when the agent is gone, an open for writing alone would wait for ever, and
// the shell with it.

// run is one command on its way into a shell.
type run struct {
	nonce  string
	script string // the file that holds the command's text
	around string // the file that holds call, or ""
	stdin  string // a FIFO, or "" for /dev/null
	stdout string
	stderr string
	dir    string // the shell's files
	save   string // which of the files for the environment afterwards
	cwd    string // for this command only, or ""
	env    map[string]string
	vars   string // a file with the computer's variables, where they have changed, or ""
}

// lines are what the shell reads. The command is sourced from a file: no quoting, no length limit of a line, and a syntax error in it
// ends the source, not the shell. It goes with redirections around it, so that an `exec >file` inside is undone, and with the control
// FIFO nowhere open. The report is a line of its own, since SIGINT throws away the rest of the line that it interrupts.
//
// bash reads byte by byte and gets both lines at once. Other shells read ahead, and throw that away with an interrupt. They say when they begin, and are
// sent the report then.
func (r run) lines(readsAhead bool) string {
	var b strings.Builder
	if readsAhead {
		b.WriteString(`\command printf '\0\0B` + r.nonce + `\0' 1<>` + r.dir + `/ctl; ` + r.giveBack() + "; ")
	}
	if r.vars != "" {
		b.WriteString(posixMode + `\command \. ` + r.vars + ` >/dev/null 2>&1; ` + r.giveBack() + "; ")
	}
	call := `\command \. ` + r.around
	if r.around == "" {
		call = r.call()
	}
	if readsAhead {
		return b.String() + call + "; " + endImpostor + r.giveBack() + "\n"
	}
	return b.String() + call + "\n" + r.report()
}

// call runs the command's script, with its directory and variables. Where a caller chose these, call goes by a file: an interrupt throws away what the
// shell has read of a line, and it takes the rest, which may be out of the middle of a value, for commands. And the pipe holds any line without them.
func (r run) call() string {
	var b strings.Builder
	if r.cwd != "" {
		// What the shell can not enter after all ends here: the command must not run elsewhere.
		b.WriteString(`__lms_in=` + Quote(r.cwd) + ` __lms_out=${PWD-}; \command \cd -- "$__lms_in" >/dev/null 2>` + r.stderr + ` && `)
	}
	for _, name := range sorted(r.env) {
		b.WriteString(name + "=" + Quote(r.env[name]) + " ")
	}
	stdin := "/dev/null"
	if r.stdin != "" {
		stdin = r.stdin
	}
	// Without `command`, assignments before a special builtin would stay in the shell.
	b.WriteString(`\command \. ` + r.script + " <" + stdin + " >" + r.stdout + " 2>" + r.stderr)
	return b.String()
}

// remove takes away the files that were made for the command alone.
func (r run) remove() {
	_ = os.Remove(r.script)
	if r.around != "" {
		_ = os.Remove(r.around)
	}
}

// endImpostor ends a child that takes itself for the shell. Where an error ends a subshell of the command's, as `(: ${a:?})` or a fork that fails,
// busybox goes on in the child behind the `command` that was to catch errors of the parent: with the shell's own input, and the parent waits for it.
const endImpostor = `__lms=$?; \unset -f command; \command [ /proc/self -ef "/proc/$$" ] || case $? in 1) \exit "$__lms";; esac; `

// giveBack makes the last status $? again; && keeps `set -e` from ending the shell there. It takes no fork: there may be none left to have.
func (r run) giveBack() string {
	return `case ${__lms-0} in 0) ;; *) \command \. ` + r.dir + `/status && :;; esac`
}

const statusScript = `\return $__lms` + "\n"

// report is the line that reports, and does no harm twice. The last part gives $? back to the next command.
func (r run) report() string {
	return `__lms=$? __lms_id=` + r.nonce + ` __lms_env=` + r.save + " " + posixMode +
		`\command \. ` + r.dir + `/report; ` + r.giveBack() + "\n"
}

// The command may have redefined any builtin as a function. In POSIX mode the special builtins come before functions, and an
// assignment to POSIXLY_CORRECT turns that mode on without calling anything; then `command` can be freed, and reaches the rest. The
// file that is sourced then ends the mode, unless the user had it on.
const (
	posixMode    = `POSIXLY_CORRECT=${POSIXLY_CORRECT-$$}; \unset -f command; `
	posixModeEnd = "case $POSIXLY_CORRECT in $$) \\unset POSIXLY_CORRECT;; esac\n"
)

// reportScript is the part that is the same for every command of a shell, in a file: a shell reads its standard input byte by byte.
func reportScript(dir string) string {
	return `case ${__lms_in-} in '') ;; "${PWD-}") \command \cd -- "$__lms_out" >/dev/null 2>&1;; esac
__lms_in=
\command printf '\0\0D%s %d\0%s\0' "$__lms_id" "$__lms" "${PWD-}" 1<>` + dir + `/ctl
` + saveEnv(`"`+dir+`/env.$__lms_env"`) + "\n" + posixModeEnd
}
