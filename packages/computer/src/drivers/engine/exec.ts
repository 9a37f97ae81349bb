import type { Abortable } from "../../driver.js";
import type { Engine } from "./engine.js";
import { execError } from "./errors.js";
import { ExecStream } from "./exec-stream.js";

/** Starts a program in a running container and joins its stdio to a stream. `machine_gone` when the container does not run. */
export async function openExec(
	engine: Engine,
	containerId: string,
	argv: readonly string[],
	action: string,
	options: Abortable = {},
): Promise<ExecStream> {
	const create = { Cmd: [...argv], AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: false };
	const id = await engine.call(action, (docker, abortSignal) => docker.getContainer(containerId).exec({ ...create, abortSignal }), options);
	return await engine.call(
		action,
		async (docker, abortSignal) => {
			const socket = await docker.upgrade(`/exec/${id}/start`, { Detach: false, Tty: false }, { abortSignal });
			const stream = new ExecStream(socket, (words) => execError(words, engine.dialect.product, action));
			// The call was given up while the engine was switching protocols: nobody will take the stream.
			if (abortSignal.aborted) stream.destroy();
			return stream;
		},
		options,
	);
}
