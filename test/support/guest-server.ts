import type { Computer } from "lms-computer";

const PERL =
	'$SIG{CHLD} = "IGNORE"; $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], Listen => 128, ReuseAddr => 1) or die $!; ' +
	'while (1) { $c = $s->accept or next; if (!fork) { open STDIN, "<&", $c; open STDOUT, ">&", $c; exec "/bin/sh", "-c", $ARGV[1] } close $c }';

/**
 * Runs a shell command in the guest for every connection to a port, its stdin and stdout the connection. With what is there: perl in Debian,
 * nc in busybox. Ends with the computer.
 */
export async function serveInGuest(computer: Computer, port: number, command: string): Promise<void> {
	const quoted = `'${command.replaceAll("'", "'\\''")}'`;
	const server = `if command -v perl; then exec perl -MIO::Socket::INET -e '${PERL}' ${port} ${quoted}; else exec nc -ll -p ${port} -e sh -c ${quoted}; fi`;
	const execution = await computer.spawn(server, { session: `server-${port}` });
	execution.result.catch(() => {}); // the computer is closed under it
	const listening = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
	const { exitCode, stdout } = await computer.exec(
		`for i in $(seq 200); do cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q '${listening}[0-9A-F]*:0000 0A' && exit; sleep 0.05; done; echo late; exit 1`,
		{ session: "waiting" },
	);
	if (exitCode !== 0) throw new Error(`the server on port ${port} does not listen: ${stdout}`);
}
