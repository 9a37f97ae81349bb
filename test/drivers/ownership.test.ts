import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";

const directory = await mkdtemp(join(tmpdir(), "lms-owner-"));
afterAll(() => rm(directory, { recursive: true }));

/** One that has asked for no id yet, as a new process has not. */
async function another(): Promise<typeof import("../../packages/computer/src/drivers/ownership.js")> {
	vi.resetModules();
	return await import("../../packages/computer/src/drivers/ownership.js");
}

test("of many who are the first at once all have the id that stays", async () => {
	const many = [];
	for (let n = 0; n < 8; n++) many.push(await another());
	for (let round = 0; round < 50; round++) {
		const state = join(directory, `${round}`);
		const ids = await Promise.all(many.map(({ ownerId }) => ownerId(state)));
		const kept = (await readFile(join(state, "owner"), "utf8")).trim();
		expect(new Set(ids)).toEqual(new Set([kept]));
	}
});

test("what is no id is made anew, and stays", async () => {
	for (const damaged of ["", "0123", "not an id at all"]) {
		await writeFile(join(directory, "owner"), damaged);
		const id = await (await another()).ownerId(directory);
		expect(id).toMatch(/^[0-9a-f]{16}$/);
		expect(await (await another()).ownerId(directory)).toBe(id);
		expect(await readFile(join(directory, "owner"), "utf8")).toBe(`${id}\n`);
	}
});
