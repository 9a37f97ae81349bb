import { mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Authority, AuthorityFile } from "../../packages/computer/src/egress/authority.js";

let directory: string;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), "lms-authority-"));
});

afterAll(() => rm(directory, { recursive: true }));

test("whoever asks for it at the same time is given the same, and nothing is left beside it", async () => {
	const file = join(directory, "box.pem");
	const certificates = async () => (await Promise.all([1, 2, 3, 4].map(() => Authority.open(file)))).map(({ certificate }) => certificate);
	const made = new Set(await certificates());
	expect(made.size).toBe(1);
	expect((await Authority.open(file)).certificate).toBe([...made][0]);
	expect(await readdir(directory)).toEqual(["box.pem"]);
	// One that is damaged is none.
	await truncate(file, 100);
	const [anew, ...rest] = await certificates();
	expect(rest).toEqual([anew, anew, anew]);
	expect(made).not.toContain(anew);
});

test("of a computer that another process made anew, its new one is spoken for", async () => {
	const file = join(directory, "again.pem");
	const held = new AuthorityFile(file);
	const before = await held.open();
	await held.open();
	expect(await held.open()).toBe(await held.open());
	await rm(file);
	const made = await Authority.open(file);
	expect(made.certificate).not.toBe(before.certificate);
	expect((await held.open()).certificate).toBe(made.certificate);
});

test("that it could not be had once is no reason for good", async () => {
	const blocked = join(directory, "blocked");
	await writeFile(blocked, "a file where the directory should be");
	const file = new AuthorityFile(join(blocked, "box.pem"));
	await expect(file.open()).rejects.toThrow();
	await rm(blocked);
	await expect(file.open()).resolves.toBeInstanceOf(Authority);
});
