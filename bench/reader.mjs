/** Reads a command's output to its end and lets go of it. As a program: prints how many bytes the process has grown by at its highest. */
import { fileURLToPath } from "node:url";
import { findComputer } from "lms-computer";

export async function readAll(computer, command, bytes) {
	const execution = await computer.spawn(command);
	let got = 0;
	for await (const chunk of execution) got += chunk.bytes.length;
	const { exitCode } = await execution.result;
	if (got !== bytes || exitCode !== 0) throw new Error(`expected ${bytes} bytes, got ${got} and exit code ${exitCode}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const [options, command, bytes] = process.argv.slice(2);
	const computer = await findComputer(JSON.parse(options));
	await readAll(computer, "head -c 1048576 /dev/zero", 1048576);
	const before = process.resourceUsage().maxRSS;
	await readAll(computer, command, Number(bytes));
	console.log((process.resourceUsage().maxRSS - before) * 1024);
	await computer.close();
}
