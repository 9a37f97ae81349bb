import type { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { expectError, guestArguments, suite } from "../support/suite.js";

/** Collects what a screen shows, and waits for a text on it. */
function watchScreen(stream: Duplex) {
	let shown = "";
	let look = () => {};
	stream.on("data", (chunk: Buffer) => {
		shown += chunk.toString("latin1");
		look();
	});
	stream.on("error", () => {});
	const closed = new Promise<void>((resolve) => stream.once("close", resolve));
	return {
		closed,
		get shown() {
			return shown;
		},
		until: (pattern: RegExp) =>
			new Promise<string>((resolve, reject) => {
				look = () => {
					if (pattern.test(shown)) resolve(shown);
				};
				void closed.then(() => reject(new Error(`expected ${pattern} on the screen, got ${JSON.stringify(shown)}`)));
				look();
			}),
	};
}

suite("terminals", (subject) => {
	test("a program has a terminal of the size asked for, and is resized", async () => {
		const terminal = await subject.computer.terminals.open("size", { command: "stty size; read x; stty size", columns: 101, rows: 37 });
		expect(terminal).toMatchObject({ created: true, state: { columns: 101, rows: 37, running: true, exitCode: null } });
		const stream = await terminal.attach();
		const screen = watchScreen(stream);
		await screen.until(/37 101\r\n/);
		await terminal.resize(60, 20);
		stream.write("\n");
		await screen.until(/20 60\r\n/);
		await screen.closed;
	});

	test("keys: text, Ctrl-C", async () => {
		const terminal = await subject.computer.terminals.open("keys", { command: 'cat; echo "status $?"' });
		const stream = await terminal.attach();
		const screen = watchScreen(stream);
		stream.write("typed\r");
		await screen.until(/typed\r\ntyped\r\n/);
		stream.write("\x03");
		await screen.closed;
		const state = (await subject.computer.terminals.list()).find(({ name }) => name === "keys");
		expect(state).toMatchObject({ running: false });
		expect(state?.exitCode).not.toBe(0);
	});

	test("detached it lives on; attached again it shows what was before", async () => {
		const first = await subject.computer.terminals.open("again", { command: 'echo before; read x; echo "after $x"; read y' });
		const one = await first.attach();
		await watchScreen(one).until(/before/);
		one.destroy();
		const second = await subject.computer.terminals.open("again");
		expect(second.created).toBe(false);
		const stream = await second.attach();
		const screen = watchScreen(stream);
		await screen.until(/before/);
		stream.write("key\r");
		await screen.until(/after key/);
		stream.write("\r");
		await screen.closed;
	});

	test("two at once see the same screen", async () => {
		const terminal = await subject.computer.terminals.open("shared", { command: 'read x; echo "got $x"; read y' });
		const streams = [await terminal.attach(), await terminal.attach()] as const;
		const screens = streams.map(watchScreen);
		expect((await subject.computer.terminals.list()).find(({ name }) => name === "shared")?.attached).toBe(2);
		streams[0].write("x\r");
		await Promise.all(screens.map((screen) => screen.until(/got x/)));
		await subject.computer.terminals.remove("shared");
		await Promise.all(screens.map((screen) => screen.closed));
	});

	test("the exit code is in its state", async () => {
		const terminal = await subject.computer.terminals.open("code", { command: "exit 3" });
		await watchScreen(await terminal.attach()).closed;
		expect((await subject.computer.terminals.list()).find(({ name }) => name === "code")).toMatchObject({ running: false, exitCode: 3 });
	});

	test("a login shell by default, with a session's directory and environment if asked", async () => {
		await subject.computer.exec("cd /tmp; export FROM=session", { session: "origin" });
		const terminal = await subject.computer.terminals.open("shell", { session: "origin", env: { MORE: "env" } });
		const stream = await terminal.attach();
		const screen = watchScreen(stream);
		stream.write('echo "<$PWD $FROM $MORE>"\r');
		await screen.until(/<\/tmp session env>/);
		stream.write("exit 5\r");
		await screen.closed;
		expect((await subject.computer.terminals.list()).find(({ name }) => name === "shell")).toMatchObject({ running: false, exitCode: 5 });
	});

	test("remove ends the program", async () => {
		await subject.computer.terminals.open("removed", { command: "trap '' HUP; sleep 100031; sleep 100031" });
		await subject.computer.terminals.remove("removed");
		expect(await guestArguments(subject.computer)).not.toContain("100031");
		expect((await subject.computer.terminals.list()).map(({ name }) => name)).not.toContain("removed");
		await expectError(subject.computer.terminals.remove("removed"), "not_found");
	});

	test("refuses a size that no screen has", async () => {
		await expectError(subject.computer.terminals.open("wide", { columns: 0 }), "invalid_argument");
	});
});
