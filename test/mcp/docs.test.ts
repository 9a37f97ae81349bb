import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FLAGS } from "../../packages/computer/src/cli/flags.js";
import { MAKING } from "../../packages/computer/src/cli/tables/flag-sets.js";
import { SERVERS } from "../../packages/computer/src/cli/tables/servers.js";
import { SERVING } from "../../packages/computer/src/limits.js";
import { CLIENT_NAMES } from "../../packages/computer/src/mcp/setup/client-names.js";
import { CLIENTS } from "../../packages/computer/src/mcp/setup/clients.js";
import { cli } from "../cli/command.js";
import { fromRoot } from "../support/repository.js";

const page = readFileSync(fromRoot("docs/mcp.md"), "utf8");
const long = (syntax: string) => /--[a-z-]+/.exec(syntax)?.[0] ?? "";

test("the page names every flag of its own, and no other", () => {
	const all = new Set(SERVERS.flatMap(({ flags }) => flags.map((flag) => long(FLAGS[flag].syntax))));
	const general = new Set([...MAKING, "json", "quiet", "timeoutMs"].map((flag) => long(FLAGS[flag as keyof typeof FLAGS].syntax)));
	const named = new Set([...page.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag));
	expect([...named].filter((flag) => !all.has(flag))).toEqual([]);
	expect([...all].filter((flag) => !general.has(flag) && !named.has(flag))).toEqual([]);
});

test("the page names every client, and the numbers are those of the server", () => {
	for (const client of CLIENT_NAMES) expect(page).toContain(`| \`${client}\` | ${CLIENTS[client].title}`);
	expect(page).toContain(`:${SERVING.port}/mcp`);
	expect(page).toContain(`over ${SERVING.requestBytes / 1024 / 1024} MiB`);
	expect(page).toContain(`every ${SERVING.progressMs / 1000} s`);
	expect(page).toContain(`${SERVING.resourceBytes / 1024 / 1024} MiB at most`);
	expect(SERVING.sessionIdleMs).toBe(30 * 60_000);
});

test.each(SERVERS.map(({ name }) => name))("%s --help says what the table says", async (name) => {
	const { status, stdout } = await cli([name, "--help"]);
	expect(status).toBe(0);
	const spec = SERVERS.find((one) => one.name === name);
	for (const flag of spec?.flags ?? []) expect(stdout).toContain(FLAGS[flag].syntax);
	for (const [example] of spec?.examples ?? []) expect(stdout).toContain(example);
});
