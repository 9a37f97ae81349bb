// The agent: our one program inside a machine. `agent init` is PID 1 and serves the guest protocol on a unix socket;
// `agent connect` joins its own stdio to that socket.
package main

import (
	"flag"
	"fmt"
	"os"

	"lms-computer/guest/internal/boot"
	"lms-computer/guest/internal/process"
	"lms-computer/guest/internal/server"
)

// version is set by the build.
var version = "dev"

const usage = `usage: agent init [--listen-fd N] [--socket PATH] [--run-dir DIR] [--spool-dir DIR]
                  [--state-dir DIR] [--home DIR] [--user NAME|UID[:GID]] [--folder DIR]... [--disk-bytes N]
                  [--unheld TIME --unclaimed TIME] [--idle-stop TIME] [--made ID]
                                   be PID 1 and serve
       agent connect [--socket PATH]
                                   join stdio to the agent's socket
       agent boot [probe|remove|copy|erase|size]
                                   on the host: make a machine from namespaces alone, JSON on stdin
       agent become PROGRAM …      turn into PROGRAM, as the parent of its orphans
       agent version
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func run(command string, args []string) error {
	flags := flag.NewFlagSet(command, flag.ExitOnError)
	socket := flags.String("socket", "/run/lms/agent.sock", "")
	switch command {
	case "init":
		o := server.Options{Version: version}
		flags.IntVar(&o.ListenFD, "listen-fd", -1, "")
		flags.StringVar(&o.RunDir, "run-dir", "/run/lms", "")
		flags.StringVar(&o.SpoolDir, "spool-dir", "/var/lib/lms/log", "")
		flags.StringVar(&o.StateDir, "state-dir", "/var/lib/lms/state", "")
		flags.StringVar(&o.Home, "home", "/home/user", "")
		flags.DurationVar(&o.Life.Unheld, "unheld", 0, "")
		flags.DurationVar(&o.Life.Unclaimed, "unclaimed", 0, "")
		flags.DurationVar(&o.Life.IdleStop, "idle-stop", 0, "")
		flags.StringVar(&o.Life.Made, "made", "", "")
		flags.StringVar(&o.User, "user", "root", "")
		flags.Int64Var(&o.DiskBytes, "disk-bytes", 0, "")
		flags.Func("folder", "", func(path string) error { o.Folders = append(o.Folders, path); return nil })
		_ = flags.Parse(args)
		o.Socket = *socket
		return server.Serve(o)
	case "connect":
		_ = flags.Parse(args)
		return server.Connect(*socket)
	case "boot":
		return boot.Run(args, os.Stdin, os.Stdout)
	case "become":
		return process.Become(args)
	case "version":
		fmt.Println(version)
		return nil
	}
	fmt.Fprint(os.Stderr, usage)
	os.Exit(2)
	return nil
}
