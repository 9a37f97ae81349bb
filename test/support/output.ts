import type { Computer } from "lms-computer";

/** Of a command in a session aside, without the last newline. Fails with stderr unless it exits with 0. */
export async function output(computer: Computer, command: string, session = "aside"): Promise<string> {
	const { stdout, stderr, exitCode } = await computer.exec(command, { session });
	if (exitCode !== 0) throw new Error(`${command}: exit code ${exitCode}: ${stderr}`);
	return stdout.replace(/\n$/, "");
}
