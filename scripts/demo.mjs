// `npm start`: a real computer, shown at work in a few seconds, and removed again.
//   --driver NAME or DRIVER=NAME   docker, podman or namespace; without it, the first one that works here
//   LMS_COMPUTER_IMAGE=NAME        the image for Docker and Podman
import { setMaxListeners } from "node:events";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { ComputerError, diagnose, isComputerError, openComputer } from "lms-computer";

const DRIVERS = ["docker", "podman", "namespace"];
const WIDTH = 72;
const colours = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
const [bold, dim, red, green, cyan] = [1, 2, 31, 32, 36].map(paint);

const interrupted = new AbortController();
for (const [name, number] of [
	["SIGINT", 2],
	["SIGTERM", 15],
]) {
	process.on(name, () => {
		if (interrupted.signal.aborted) process.exit(128 + number);
		console.log("\n  stopping, and cleaning up");
		process.exitCode = 128 + number;
		interrupted.abort();
	});
}
const { signal } = interrupted;
// `| head` has seen enough: clean up, and go quietly.
process.stdout.on("error", () => {
	process.exitCode = 141;
	interrupted.abort();
});
// Twenty calls at once share it.
setMaxListeners(50, signal);

let computer;
/** What the command line takes unless it is told otherwise. */
let firstUsable;
try {
	computer = await firstThatWorks(driversToTry());
	await show();
} catch (error) {
	if (!signal.aborted) {
		process.exitCode = 1;
		const image = isComputerError(error, "image_not_found") ? " LMS_COMPUTER_IMAGE names another image." : "";
		console.error(`\n${red("error:")} ${error.message}${isComputerError(error) && error.hint ? `\nhint:  ${error.hint}${image}` : ""}`);
	}
} finally {
	await computer?.remove();
}
if (!process.exitCode) ending();

function driversToTry() {
	const { values } = parseArgs({ options: { driver: { type: "string" } } });
	return values.driver ?? process.env.DRIVER;
}

/** Tries the drivers in the order of `auto`; says of each why not. */
async function firstThatWorks(only) {
	console.log(`\n${bold("lms-computer")}: a Linux computer for a model, made here and now\n`);
	const image = process.env.LMS_COMPUTER_IMAGE || undefined;
	if (only !== undefined && !DRIVERS.includes(only)) {
		throw new ComputerError("invalid_argument", `expected a driver of ${DRIVERS.join(", ")}, got ${only}`);
	}
	for (const { name, availability } of await diagnose({ signal })) {
		if (only !== undefined && only !== name) continue;
		if (!availability.usable) {
			console.log(`  ${name.padEnd(10)} ${dim(`no: ${availability.reason}`)}`);
			continue;
		}
		firstUsable ??= name;
		try {
			const started = performance.now();
			const made = await openComputer({ name: `demo-${process.pid}`, driver: name, image, signal, onProgress: progress() });
			clearProgress();
			console.log(`  ${name.padEnd(10)} ${green("yes")}: ${availability.version}, ${availability.endpoint}`);
			console.log(timed("\n  made, started and connected", started));
			return made;
		} catch (error) {
			clearProgress();
			if (only !== undefined || !isComputerError(error, "image_not_found")) throw error;
			console.log(`  ${name.padEnd(10)} ${dim("no: its image is not here and cannot be pulled; LMS_COMPUTER_IMAGE names another")}`);
		}
	}
	throw new ComputerError("driver_unavailable", only === undefined ? "no driver works here" : `the driver ${only} does not work here`);
}

async function show() {
	heading("It is a computer");
	await run("grep -h ^PRETTY /etc/os-release; uname -srm; nproc", { anyExitCode: true });

	heading("The shell remembers");
	await run("cd /tmp && export FRUIT=pear");
	await run('echo "$FRUIT in $PWD"', { stdout: "pear in /tmp\n" });

	heading("Files go in and out without a shell");
	await step('files.write("/tmp/list.txt", 3 lines)', () => computer.files.write("/tmp/list.txt", "quince\nplum\nfig\n", { signal }));
	await run("sort list.txt > sorted.txt; wc -l < sorted.txt", { stdout: "3\n" });
	const sorted = await step('files.readText("/tmp/sorted.txt")', () => computer.files.readText("/tmp/sorted.txt", { signal }));
	expect(sorted, "fig\nplum\nquince\n");
	output(sorted);

	heading("Output and errors stay apart, exit codes are exact");
	await run("echo result; echo complaint >&2; (exit 42)", { stdout: "result\n", stderr: "complaint\n", exitCode: 42 });
	await run("exit 3", { exitCode: 3 });
	await run('echo "still $FRUIT in $PWD"', { stdout: "still pear in /tmp\n" });

	heading("A time limit ends the command, not the shell");
	await run("for i in 1 2 3 4 5 6; do echo line $i; sleep 0.2; done", {
		timeoutMs: 500,
		stdout: "line 1\nline 2\nline 3\n",
		exitCode: 124,
	});
	await run('echo "still $FRUIT in $PWD"', { stdout: "still pear in /tmp\n" });

	heading("Or the command goes on as a job");
	const job = await run("sleep 1; echo built > done.txt; echo finished", { timeoutMs: 200, onTimeout: "job", exitCode: null });
	await run("ls done.txt", { anyExitCode: true, stdout: "" });
	const state = await step(`commands.wait("${job.id}")`, () => computer.commands.wait(job.id, { signal }));
	expect(state.exitCode, 0);
	output((await computer.commands.output(job.id, { signal })).bytes.toString());

	heading("Twenty commands at once, in five shells");
	const sessions = ["a", "b", "c", "d", "e"];
	const twenty = Array.from({ length: 20 }, (_, index) => ({ index, session: sessions[index % 5] }));
	const answers = await step("sleep 0.1; echo … (four in each shell, one after the other)", () =>
		Promise.all(twenty.map(({ index, session }) => computer.exec(`sleep 0.1; echo ${index}`, { session, signal }))),
	);
	expect(answers.map(({ stdout }) => stdout.trim()).join(" "), twenty.map(({ index }) => index).join(" "));
	output(`${answers.map(({ stdout }) => stdout.trim()).join(" ")}\n`);

	console.log("");
	await step("remove(): nothing is left of it", () => computer.remove(), "");
}

function ending() {
	console.log(`
${bold("What to try next")}
${computer.driver === firstUsable ? "" : `\n  export LMS_COMPUTER_DRIVER=${computer.driver}${" ".repeat(16 - computer.driver.length)}the driver that works here\n`}
  npx lms-computer exec 'cd /tmp; ls -a'    a command in a computer that stays
  npx lms-computer exec pwd                 the same shell: /tmp
  npx lms-computer shell                    a terminal in it; Ctrl-] leaves
  npx lms-computer doctor                   what this machine can run, and why not
  npx lms-computer rm default               the computer is gone

  README.md has the library's examples.
`);
}

/** Runs a command, shows what came, and fails where that is not what was expected. */
async function run(command, { timeoutMs, onTimeout, stdout, stderr, exitCode = 0, anyExitCode = false } = {}) {
	const result = await step(command, () => computer.exec(command, { timeoutMs, onTimeout, signal }), cyan("$ "));
	output(result.stdout);
	output(result.stderr, red("stderr "));
	if (result.running) console.log(`      ${dim(`goes on as job ${result.id}`)}`);
	else if (result.timedOut) console.log(`      ${dim(`ended by its limit of ${timeoutMs} ms, exit code ${result.exitCode}`)}`);
	else if (result.exitCode !== 0) console.log(`      ${dim(`exit code ${result.exitCode}`)}`);
	if (!anyExitCode) expect(result.exitCode, exitCode);
	if (stdout !== undefined) expect(result.stdout, stdout);
	if (stderr !== undefined) expect(result.stderr, stderr);
	return result;
}

async function step(what, work, mark = dim("· ")) {
	signal.throwIfAborted();
	const started = performance.now();
	const result = await work();
	console.log(timed(`  ${mark}${what}`, started));
	return result;
}

function heading(text) {
	console.log(`\n  ${bold(text)}`);
}

function output(text, mark = "") {
	for (const line of stripVTControlCharacters(text).split("\n").slice(0, -1)) console.log(`      ${mark}${line}`);
}

function timed(text, started) {
	const ms = performance.now() - started;
	const time = ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
	return `${text}${" ".repeat(Math.max(2, WIDTH - stripVTControlCharacters(text).replace("\n", "").length))}${dim(time.padStart(8))}`;
}

function expect(came, expected) {
	if (expected instanceof RegExp ? expected.test(came) : came === expected) return;
	throw new Error(`expected ${expected instanceof RegExp ? expected : JSON.stringify(expected)}, got ${JSON.stringify(came)}`);
}

function progress() {
	if (!process.stdout.isTTY) return undefined;
	return ({ message, fraction }) =>
		process.stdout.write(`\r\x1b[K  ${dim(`${message}${fraction === undefined ? "" : ` ${Math.floor(fraction * 100)}%`}`)}`);
}

function clearProgress() {
	if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
}
