/** Telling a client of the MCP server: shown, or put into its configuration. */

import { homeAsSet } from "../home.js";
import { DEFAULTS } from "../limits.js";
import type { ClientName } from "../mcp/setup/client-names.js";
import { CLIENTS, type Launch } from "../mcp/setup/clients.js";
import { merged, snippet } from "../mcp/setup/merge.js";
import { readExisting, writeAtomically } from "../mcp/setup/write.js";
import { packageFile } from "../package-files.js";
import { agreed } from "./ask.js";
import type { Context } from "./commands.js";
import { wrongUsage } from "./failure.js";
import { launchOf } from "./launch.js";
import { notice, print } from "./output.js";

export async function printSetup(context: Context, name: ClientName): Promise<number> {
	const client = CLIENTS[name];
	const launch = here(context);
	await print((await snippet(client, launch.name, client.entry(launch))).trimEnd());
	await notice(`for ${client.title}, in ${await fileOf(name)}; \`--install ${name}\` in place of --print-config puts it there`);
	if (client.line !== undefined) await notice(`or in one line: ${client.line(launch)}`);
	return 0;
}

export async function install(context: Context, name: ClientName): Promise<number> {
	const client = CLIENTS[name];
	const launch = here(context);
	const file = await fileOf(name);
	const before = await readExisting(file);
	const after = await merged(client, before, launch.name, client.entry(launch));
	if (after === before) {
		await notice(`${file} has it already`);
		return 0;
	}
	if (!context.flags.yes) {
		await notice(`${client.title} gets this, in ${file}:`);
		process.stderr.write(await snippet(client, launch.name, client.entry(launch)));
		if (!process.stdin.isTTY) throw wrongUsage("there is no terminal to ask on: --yes writes it without asking", "mcp");
		if (!(await agreed("Write it?", context.interruption.signal))) return 1;
	}
	const backup = await writeAtomically(file, after, before);
	await print(file);
	if (backup !== undefined) await notice(`what was there is in ${backup}`);
	await notice(`${client.title} knows the computer when it is started anew`);
	return 0;
}

function here({ flags }: Context): Launch {
	return launchOf({
		argv: process.argv.slice(2),
		name: flags.name ?? DEFAULTS.name,
		main: packageFile("dist/lms-computer.cjs"),
		node: process.execPath,
		platform: process.platform,
	});
}

function fileOf(name: ClientName): string | Promise<string> {
	// The client's view.
	return CLIENTS[name].file({ platform: process.platform, env: process.env, home: homeAsSet() });
}
