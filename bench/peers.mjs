/** The usual ways to run something in a container, and what is below them. Each is as its documentation has it. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import Docker from "dockerode";
import tar from "tar-stream";

const run = promisify(execFile);

export const cli = (program, ...args) => run(program, args, { maxBuffer: 2 ** 28 });

/** Whether a program is there; else the reason to skip it. */
export async function missingProgram(program) {
	return cli("sh", "-c", `command -v ${program}`).then(
		() => undefined,
		() => `${program} is not installed`,
	);
}

/** One command through the Engine API: create, start, read to the end, inspect. */
export async function apiExec(container, argv) {
	const exec = await container.exec({ Cmd: argv, AttachStdout: true, AttachStderr: true });
	await drained(await exec.start({}));
	return exec.inspect();
}

/** A file through the archive API. */
export async function apiWrite(container, name, content) {
	const pack = tar.pack();
	pack.entry({ name }, content);
	pack.finalize();
	await container.putArchive(pack, { path: "/root" });
}

export async function apiRead(container, path) {
	await drained(await container.getArchive({ path }));
}

/** What a program writes, to nowhere; its bytes and ms are counted. */
export async function drainProgram(program, ...args) {
	const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
	await drained(child.stdout);
	if (child.exitCode === null) await once(child, "exit");
	if (child.exitCode !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${child.exitCode}`);
}

function drained(stream) {
	return new Promise((resolve, reject) => {
		stream.on("end", resolve).on("close", resolve).on("error", reject).resume();
	});
}

/**
 * A shell behind pipes, its results parted by a word that no command will print: with a local bash the least that any shell can cost, with
 * `docker exec -i` what many agents do.
 */
export class SentinelShell {
	#child;
	#text = "";
	#waiting;
	#count = 0;

	constructor(program, args) {
		this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
		this.#child.stdout.setEncoding("latin1").on("data", (text) => {
			this.#text += text;
			this.#look();
		});
	}

	/** One at a time. */
	run(command) {
		const end = `__done_${++this.#count}__`;
		return new Promise((resolve) => {
			this.#waiting = { end, resolve };
			this.#child.stdin.write(`${command}\nprintf '${end}%d\\n' $?\n`);
		});
	}

	close() {
		this.#child.kill("SIGKILL");
	}

	#look() {
		const { end, resolve } = this.#waiting ?? {};
		const at = end === undefined ? -1 : this.#text.indexOf(end);
		if (at < 0 || !this.#text.endsWith("\n")) return;
		const out = this.#text.slice(0, at);
		this.#text = "";
		this.#waiting = undefined;
		resolve(out);
	}
}

/** A plain container to run the usual ways in. */
export async function startContainer(image) {
	const docker = new Docker();
	const container = await docker.createContainer({
		Image: image,
		Cmd: ["sleep", "infinity"],
		HostConfig: { NetworkMode: "none", Init: true },
	});
	await container.start();
	return container;
}

/** A library that is no dependency of ours: installed by who wants to compare with it, see README.md. */
export async function peerLibrary(name) {
	const directory = process.env.LMS_BENCH_PEERS;
	if (directory === undefined) return { missing: `${name} is not installed: see bench/README.md` };
	try {
		const require = createRequire(join(directory, "package.json"));
		return { library: await import(require.resolve(name)) };
	} catch (error) {
		return { missing: `${name} did not load: ${error.message.split("\n")[0]}` };
	}
}

/** Testcontainers without its reaper, whose image is one more download. */
export async function testcontainers() {
	process.env.TESTCONTAINERS_RYUK_DISABLED = "true";
	return peerLibrary("testcontainers");
}
