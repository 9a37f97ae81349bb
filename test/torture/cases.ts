export interface TortureCase {
	readonly number: number;
	readonly title: string;
	/** Where its tests are, if they do not bear its number in their title: a file, all of it. */
	readonly file?: string;
}

/** What is done to every driver. The tests of a case have its number at the beginning of their title; `npm run torture` prints how they went. */
export const TORTURE: readonly TortureCase[] = [
	"A program that ignores TERM and HUP",
	"A setsid double fork",
	"The client is SIGKILLed in the middle of a command",
	"`sleep 5 & echo done`",
	"A fork bomb",
	"`kill -9 -1` in the shell",
	"10,000 zombies",
	"Out of memory",
	"A program that reads stdin",
	"Programs that exit 126, 127, 137",
	"A 2 GB flood",
	"A reader that stalls",
	"NUL and invalid UTF-8",
	"A UTF-8 character split across chunks",
	"One line of 100 MB",
	"OSC 52, OSC 8, DCS and the rest",
	"Output that forges a marker of ours",
	"Carriage-return progress lines",
	"NUL in a command or path",
	"Names with newlines, quotes, `$()`, `-`, of 255 bytes, not UTF-8",
	"A 1 MB command",
	"Environment names with `=`, a newline, LD_PRELOAD",
	"A working directory such as /proc/self/fd/8",
	"A missing working directory",
	"Reading a FIFO, /dev/zero, a directory",
	"A write through a symlink swapped in the middle",
	"Hostile archives from the guest",
	"A sparse file or a tar bomb",
	"A symlink on a shared folder",
	"An upload killed halfway",
	"The engine killed in the middle of a command",
	"The engine SIGSTOPped",
	"The machine removed or paused from outside",
	"kill -9 of the host process at any moment",
	"State files truncated, empty, of a newer schema",
	"The host's disk full",
	"Two processes open the same computer at once",
	"100 sessions, cycles of open-exec-close",
	"`network: none`, and what an allow-list denies",
	"A web page with an evil Origin or Host",
].map((title, index) => {
	const file = { 39: "test/egress/gateway.test.ts", 40: "test/mcp/http.test.ts" }[index + 1];
	return { number: index + 1, title, ...(file === undefined ? {} : { file }) };
});
