import type { Computer, OpenOptions } from "lms-computer";
import { beforeAll, describe, expect } from "vitest";
import type { ErrorCode } from "../../packages/computer/src/errors/index.js";
import { MATRIX, type Target } from "./drivers.js";
import { output } from "./output.js";

export { output };

export interface Subject {
	readonly target: Target;
	/** One for all tests of the suite. Read it inside of tests. */
	readonly computer: Computer;
	/** Runs a command in a session aside and answers its stdout without the last newline. Fails with stderr unless it exits with 0. */
	sh(command: string): Promise<string>;
}

/** The same tests for every driver and shell, each with one computer of that name. */
export function suite(name: string, tests: (subject: Subject) => void, options?: OpenOptions): void {
	describe.for(MATRIX)("$title", (target) => {
		describe.skipIf(target.skip !== undefined)(name, () => {
			let computer: Computer;
			beforeAll(async () => {
				computer = await target.open(name, options);
			});
			tests({
				target,
				get computer() {
					return computer;
				},
				sh: (command) => output(computer, command),
			});
		});
	});
}

/** The notices but for what is true of the machine all along, such as a limit that an ordinary user can not set. */
export async function news(computer: Computer): Promise<readonly string[]> {
	const { warnings } = await computer.inspect();
	return computer.notices.filter((notice) => !warnings.includes(notice));
}

/** Every argument of every process in the guest. A zombie has none. */
export async function guestArguments(computer: Computer): Promise<string[]> {
	return (await output(computer, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'")).split("\n");
}

export async function expectError(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
	await expect(promise).rejects.toMatchObject({ name: "ComputerError", code });
}
