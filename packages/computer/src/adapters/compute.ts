/** Computers as sandboxes of ComputeSDK: `compute.setConfig({ provider: computeProvider() })`. */
import { randomBytes } from "node:crypto";
import { type Computer, findComputer, listComputers, type OpenOptions, openComputer } from "../index.js";

const PROVIDER = "lms-computer";

interface RunOptions {
	readonly cwd?: string;
	readonly env?: Record<string, string>;
	readonly timeout?: number;
	readonly background?: boolean;
	readonly onStdout?: (data: string) => void;
	readonly onStderr?: (data: string) => void;
}

interface CreateOptions {
	readonly name?: string;
	readonly image?: string;
	readonly templateId?: string;
	readonly snapshotId?: string;
	readonly envs?: Record<string, string>;
	readonly signal?: AbortSignal;
	/** Of ComputeSDK's own, of which this provider reads none. */
	readonly [key: string]: unknown;
}

/** @param options of every computer that it makes; `name` is what theirs begin with, "compute" unless given */
export function computeProvider({ name: prefix = "compute", ...common }: Omit<OpenOptions, "signal" | "onProgress"> = {}) {
	const of = (computer: Computer) => sandboxOf(computer);
	const found = async (name: string) => (name.startsWith(`${prefix}-`) ? await findComputer({ name, driver: common.driver }) : undefined);
	return {
		name: PROVIDER,
		sandbox: {
			async create({ name, image, templateId, snapshotId, envs, signal }: CreateOptions = {}) {
				const full = `${prefix}-${name ?? randomBytes(6).toString("hex")}`;
				if (snapshotId !== undefined) return of(await forked(snapshotId, full));
				const chosen = image ?? templateId ?? common.image;
				return of(await openComputer({ ...common, name: full, image: chosen, env: { ...common.env, ...envs }, signal }));
			},
			async getById(sandboxId: string) {
				const computer = await found(sandboxId);
				return computer === undefined ? null : of(computer);
			},
			async list() {
				const names = (await listComputers({ driver: common.driver === "auto" ? undefined : common.driver })).map(({ name }) => name);
				const all = await Promise.all(names.map(found));
				return all.filter((computer) => computer !== undefined).map(of);
			},
			async destroy(sandboxId: string) {
				await (await found(sandboxId))?.remove();
			},
		},
		snapshot: {
			async create(sandboxId: string, { name = "" }: { readonly name?: string } = {}) {
				const { id, createdAt } = await within(sandboxId, (computer) => computer.checkpoint(name));
				return { id: `${sandboxId}/${id}`, provider: PROVIDER, createdAt: new Date(createdAt) };
			},
			async list() {
				const names = (await listComputers({ driver: common.driver === "auto" ? undefined : common.driver })).map(({ name }) => name);
				const lists = names
					.filter((name) => name.startsWith(`${prefix}-`))
					.map(async (name) => {
						const checkpoints = await within(name, (computer) => computer.checkpoints());
						return checkpoints.map(({ id, createdAt }) => ({ id: `${name}/${id}`, provider: PROVIDER, createdAt: new Date(createdAt) }));
					});
				return (await Promise.all(lists)).flat();
			},
			async delete(snapshotId: string) {
				const [name, id] = parts(snapshotId);
				await within(name, (computer) => computer.removeCheckpoint(id));
			},
		},
	};

	async function forked(snapshotId: string, name: string): Promise<Computer> {
		const [source, id] = parts(snapshotId);
		return await within(source, (computer) => computer.fork(id, name));
	}

	async function within<T>(name: string, run: (computer: Computer) => Promise<T>): Promise<T> {
		const computer = await found(name);
		if (computer === undefined) throw new Error(`there is no sandbox ${name}`);
		try {
			return await run(computer);
		} finally {
			await computer.close();
		}
	}
}

/** `computer/checkpoint` */
function parts(snapshotId: string): [string, string] {
	const [name = "", id = ""] = snapshotId.split("/");
	return [name, id];
}

function sandboxOf(computer: Computer) {
	const { files, name } = computer;
	return {
		sandboxId: name,
		provider: PROVIDER,
		async runCommand(command: string, options: RunOptions = {}) {
			const { cwd, env, timeout: timeoutMs, background = false, onStdout, onStderr } = options;
			if (background) {
				await computer.commands.start(command, { cwd, env });
				return { stdout: "", stderr: "", exitCode: 0, durationMs: 0 };
			}
			const onOutput = onStdout || onStderr ? heard(onStdout, onStderr) : undefined;
			const { stdout, stderr, exitCode, durationMs } = await computer.exec(command, { cwd, env, timeoutMs, onOutput });
			return { stdout, stderr, exitCode: exitCode ?? 0, durationMs };
		},
		async getInfo() {
			const { createdAt, state } = await computer.inspect();
			const status: "running" | "stopped" | "error" = state === "running" ? "running" : state === "broken" ? "error" : "stopped";
			return { id: name, provider: PROVIDER, status, createdAt: new Date(createdAt), timeout: 0, metadata: { driver: computer.driver } };
		},
		/** On this host alone, until the sandbox is destroyed or the process ends. */
		async getUrl({ port, protocol = "http" }: { readonly port: number; readonly protocol?: string }) {
			const { port: hostPort } = await computer.forward(port);
			return `${protocol}://127.0.0.1:${hostPort}`;
		},
		destroy: () => computer.remove(),
		filesystem: {
			readFile: (path: string) => files.readText(path),
			async writeFile(path: string, content: string) {
				await files.write(path, content);
			},
			async readdir(path: string) {
				const { entries } = await files.list(path);
				return entries.map(({ mtimeMs, name, size, type }) => ({
					name,
					type: type === "directory" ? ("directory" as const) : ("file" as const),
					size,
					modified: new Date(mtimeMs),
				}));
			},
			async mkdir(path: string) {
				await files.mkdir(path);
			},
			exists: (path: string) => files.exists(path),
			remove: (path: string) => files.remove(path, { recursive: true }),
		},
	};
}

function heard(onStdout: RunOptions["onStdout"], onStderr: RunOptions["onStderr"]) {
	return ({ stream, text }: { readonly stream: "stdout" | "stderr"; readonly text: string }) => {
		(stream === "stdout" ? onStdout : onStderr)?.(text);
	};
}
