// A host process of a soak run: does what it is told, one line of IPC for each call, and may be killed at any moment.
import { createHash } from "node:crypto";
import { findComputer, listComputers, openComputer } from "lms-computer";

const options = JSON.parse(process.argv[2]);
/** By name: an open computer, and how many calls use it. */
const held = new Map();

/** Several lanes use one handle at once; one that another has taken the place of is closed by its last user. */
async function using(name, run) {
	if (!held.has(name)) held.set(name, { opening: openComputer({ ...options, name }), users: 0 });
	const one = held.get(name);
	one.users++;
	try {
		return await run(await one.opening);
	} catch (error) {
		if ((await one.opening.catch(() => undefined)) === undefined) letGo(name, one);
		throw error;
	} finally {
		one.users--;
		await tellNotices(name, one);
		await closeUnused(one);
	}
}

function letGo(name, one = held.get(name)) {
	if (one === undefined) return;
	one.retired = true;
	if (held.get(name) === one) held.delete(name);
}

/** What a user would be told: what became of a machine explains what came of a call. */
async function tellNotices(name, one) {
	const { notices = [] } = (await one.opening.catch(() => undefined)) ?? {};
	for (const notice of notices.slice(one.told ?? 0)) process.send({ notice: `${name}: ${notice}` });
	one.told = notices.length;
}

async function closeUnused(one) {
	if (one?.retired && one.users === 0) await one.opening.then((computer) => computer.close()).catch(() => {});
}

/** The same in model.ts. */
const bytesOf = (content) =>
	Buffer.concat(
		content
			.split(" ")
			.filter((piece) => piece !== "")
			.map((piece) => {
				const [token, size] = piece.split(":");
				return Buffer.alloc(Number(size), `${token}\n`);
			}),
	);

const command = ({ id, stdout, stderr, exitCode, reason, timedOut, shell, running }) => ({
	id,
	stdout,
	stderr,
	exitCode,
	reason,
	timedOut,
	shell,
	running,
});

const CALLS = {
	open: async ({ name }) => {
		const before = held.get(name);
		letGo(name);
		await closeUnused(before);
		await using(name, () => {});
	},
	exec: ({ name, text, options }) => using(name, async (computer) => command(await computer.exec(text, options))),
	write: ({ name, path, content, append }) =>
		using(name, async ({ files }) => void (await files.write(path, bytesOf(content), { append }))),
	read: ({ name, path }) =>
		using(name, async ({ files }) => {
			const bytes = await files.read(path);
			return { size: bytes.length, hash: createHash("sha256").update(bytes).digest("hex"), head: bytes.toString("latin1", 0, 60) };
		}),
	unlink: ({ name, path }) => using(name, ({ files }) => files.remove(path)),
	upload: ({ name, from, to }) => using(name, async ({ files }) => void (await files.upload(from, to))),
	download: ({ name, from, to }) => using(name, async ({ files }) => void (await files.download(from, to))),
	checkpoint: ({ name, label }) => using(name, async (computer) => (await computer.checkpoint(label)).id),
	checkpoints: ({ name }) => using(name, async (computer) => (await computer.checkpoints()).map(({ id }) => id)),
	rollback: ({ name, id }) => using(name, (computer) => computer.rollback(id)),
	fork: ({ name, id, as }) => using(name, async (computer) => (await computer.fork(id, as)).close()),
	diff: ({ name, id }) => using(name, async (computer) => void (await computer.diff(id))),
	removeCheckpoint: ({ name, id }) => using(name, (computer) => computer.removeCheckpoint(id)),
	start: ({ name, text, options }) => using(name, async ({ commands }) => (await commands.start(text, options)).id),
	wait: ({ name, id }) =>
		using(name, async ({ commands }) => {
			const state = await commands.wait(id, { timeoutMs: 20_000 });
			return { ...state, stdout: (await commands.output(id)).bytes.toString("utf8") };
		}),
	kill: ({ name, id }) => using(name, ({ commands }) => commands.kill(id, { graceMs: 100 })),
	stop: ({ name }) => using(name, (computer) => computer.stop()),
	restart: ({ name }) => using(name, (computer) => computer.restart()),
	/** By a handle of its own, which is closed by it. Those that are open find that it is gone. */
	remove: async ({ name }) => {
		const computer = await findComputer({ name, driver: options.driver });
		await computer?.remove().finally(() => computer.close());
	},
	look: ({ name }) =>
		using(
			name,
			async (computer) => void (await Promise.all([computer.inspect(), computer.metrics(), computer.info(), computer.commands.list()])),
		),
	/** As if all of it were an hour old: nothing that a killed process has left is too young to be told from what is being made. */
	prune: async () => {
		const now = Date.now;
		Date.now = () => now() + 3_600_000;
		const { prune } = await import(new URL("../../packages/computer/dist/prune.js", import.meta.url).href);
		const { found, failed } = await prune({ driver: options.driver }, () => true);
		Date.now = now;
		return { found: found.map(({ what }) => what), failed: failed.map(({ leftover, reason }) => `${leftover.what}: ${reason}`) };
	},
	list: async () => (await listComputers({ driver: options.driver })).map(({ name }) => name),
	/** It ends by itself then: whatever keeps it is a leak. */
	end: async () => {
		const all = [...held];
		for (const [name] of all) letGo(name);
		await Promise.all(all.map(([, one]) => closeUnused(one)));
	},
};

process.on("message", async ({ id, call, args }) => {
	try {
		const value = await CALLS[call](args);
		process.send({ id, value });
	} catch (error) {
		process.send({ id, error: { name: error.name, code: error.code, message: error.message, stack: error.stack } });
	}
	if (call === "end") process.disconnect();
});
process.send({ ready: true });
