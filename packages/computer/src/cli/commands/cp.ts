import { stat } from "node:fs/promises";
import { basename, posix, resolve, sep } from "node:path";
import type { Computer } from "../../index.js";
import { GUEST_HOME } from "../../limits.js";
import type { Context } from "../commands.js";
import { wrongUsage } from "../failure.js";
import { find } from "../open.js";
import { notice, print, printJson, size } from "../output.js";
import { printable } from "../printable.js";
import { ProgressLine } from "../progress-line.js";

/** One of the two is in a computer. */
interface Place {
	/** Undefined: on this host. */
	readonly computer: string | undefined;
	readonly path: string;
}

export async function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	const [from, to] = words.map((word) => place(word, flags.name)) as [Place, Place];
	const name = from.computer ?? to.computer;
	if (name === undefined || (from.computer !== undefined && to.computer !== undefined)) {
		throw wrongUsage("expected one path of this host and one of a computer, as :PATH or NAME:PATH", "cp");
	}
	const computer = await find(context, name === "" ? undefined : name);
	const progress = flags.quiet || flags.json ? undefined : new ProgressLine(process.stderr);
	const onProgress = (done: Parameters<typeof amount>[0]) => progress?.report({ phase: "create", message: amount(done) });
	const options = { onProgress, signal: interruption.signal };
	try {
		const target = from.computer === undefined ? await insideTarget(computer, from.path, to.path) : await hostTarget(from.path, to.path);
		const result =
			from.computer === undefined
				? await computer.files.upload(from.path, target, options)
				: await computer.files.download(from.path, target, options);
		progress?.end();
		if (flags.json) await printJson({ computer: computer.name, from: words[0], to: target, ...result });
		else if (!flags.quiet) {
			for (const path of result.skipped) await notice(`left out: ${path}`);
			await print(printable(`${target}  ${amount(result)}`));
		}
		return 0;
	} finally {
		progress?.end();
		await computer.close();
	}
}

function amount({ entries, bytes }: { readonly entries: number; readonly bytes: number }): string {
	return `${entries} ${entries === 1 ? "entry" : "entries"}, ${size(bytes)}`;
}

/** `:PATH` and `NAME:PATH` are in a computer; on Windows a drive, and what begins with a slash or a dot, is on this host. */
function place(word: string, name: string | undefined): Place {
	const [, computer, path] = /^([a-z0-9][a-z0-9_.-]{0,62})?:(.*)$/s.exec(word) ?? [];
	const isDrive = process.platform === "win32" && /^[A-Za-z]:[\\/]/.test(word);
	if (path === undefined || isDrive) return { computer: undefined, path: word };
	return { computer: computer ?? name ?? "", path: path === "" ? "~" : path };
}

/** As `cp` has it: into a folder that is there, or that a slash says to be one; else under that very name. `folder/.` is what is in it. */
async function insideTarget(computer: Computer, from: string, to: string): Promise<string> {
	if (isContent(from)) return to;
	const into = to.endsWith("/") || (await isGuestFolder(computer, to));
	return into ? posix.join(to, basename(resolve(from))) : to;
}

async function hostTarget(from: string, to: string): Promise<string> {
	if (isContent(from)) return to;
	const into =
		to.endsWith("/") ||
		to.endsWith(sep) ||
		(await stat(to).then(
			(found) => found.isDirectory(),
			() => false,
		));
	// The home's own name: a folder `~` here is one that its user removes their home for.
	return into ? resolve(to, posix.basename(posix.resolve("/", from.replace(/^~(?=\/|$)/, GUEST_HOME)))) : to;
}

function isContent(from: string): boolean {
	return from === "." || from.endsWith("/.") || from.endsWith(`${sep}.`);
}

async function isGuestFolder(computer: Computer, path: string): Promise<boolean> {
	return await computer.files.stat(path).then(
		(entry) => entry.type === "directory",
		() => false,
	);
}
