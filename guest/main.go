// The agent: our one program inside a machine. `agent init` is PID 1 and serves the guest protocol on a unix socket;
// `agent connect` joins its own stdio to that socket.
package main

import (
	"fmt"
	"os"
)

// version is set by the build.
var version = "dev"

const usage = `usage: agent init [--listen-fd N]   be PID 1 and serve
       agent connect               join stdio to the agent's socket
       agent version
`

func main() {
	var err error
	switch command(os.Args) {
	case "version":
		fmt.Println(version)
	default:
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func command(args []string) string {
	if len(args) < 2 {
		return ""
	}
	return args[1]
}
