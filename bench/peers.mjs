/** The usual ways: the engines' own command lines and their HTTP API. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import Docker from "dockerode";
import tar from "tar-stream";

const run = promisify(execFile);

export const cli = (engine, ...args) => run(engine, args);

/** One command through the Engine API: create, start, read to the end, inspect. */
export async function apiExec(container, argv) {
	const exec = await container.exec({ Cmd: argv, AttachStdout: true, AttachStderr: true });
	const stream = await exec.start({});
	await drained(stream);
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

function drained(stream) {
	return new Promise((resolve, reject) => {
		stream.on("end", resolve).on("close", resolve).on("error", reject).resume();
	});
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
