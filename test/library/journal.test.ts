import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Journal, readJournal, removeJournal } from "../../packages/computer/src/journal.js";
import { JOURNAL } from "../../packages/computer/src/limits.js";

const directory = mkdtempSync(join(tmpdir(), "lms-journal-"));
const before = process.env["LMS_COMPUTER_STATE_DIR"];
beforeAll(() => {
	process.env["LMS_COMPUTER_STATE_DIR"] = directory;
});
afterAll(() => {
	if (before === undefined) delete process.env["LMS_COMPUTER_STATE_DIR"];
	else process.env["LMS_COMPUTER_STATE_DIR"] = before;
	rmSync(directory, { recursive: true });
});

const file = (name: string) => join(directory, "journal", "docker", name);

test("two that write at once have their lines whole, and only the user can read them", async () => {
	const [a, b] = [new Journal("two", "docker"), new Journal("two", "docker")];
	for (let i = 0; i < 100; i++) (i % 2 === 0 ? a : b).life("notice", `${i} ${"x".repeat(i)}`);
	a.close();
	b.close();
	const records = await readJournal("two", "docker", 1000);
	expect(records.map((record) => "text" in record && Number.parseInt(record.text, 10))).toEqual(Array.from({ length: 100 }, (_, i) => i));
	expect(statSync(file("two.jsonl")).mode & 0o777).toBe(0o600);
});

test("it is bounded: past its size it is put aside, whoever writes", async () => {
	const [a, b] = [new Journal("big", "docker"), new Journal("big", "docker")];
	for (let written = 0; written < 3 * JOURNAL.maxBytes; written += 2 * JOURNAL.textLength) {
		a.life("notice", "a".repeat(JOURNAL.textLength));
		b.life("notice", "b".repeat(2 * JOURNAL.textLength));
	}
	a.close();
	b.close();
	const slack = 2 * (JOURNAL.lookAgainBytes + JOURNAL.textLength + 1024);
	for (const name of ["big.jsonl", "big.jsonl.1"]) expect(statSync(file(name)).size).toBeLessThan(JOURNAL.maxBytes + slack);
	expect((await readJournal("big", "docker", 5)).length).toBe(5);
	await removeJournal("big", "docker");
	expect(readdirSync(join(directory, "journal", "docker")).filter((name) => name.startsWith("big"))).toEqual([]);
});

test("a line cut short, and what is no record, is passed over", async () => {
	const journal = new Journal("cut", "docker");
	journal.life("notice", "one");
	appendFileSync(file("cut.jsonl"), '{"at":1,"ty\nnull\n[]\n{"at":"x"}\n');
	journal.life("notice", "two");
	journal.close();
	journal.life("notice", "after its end");
	expect((await readJournal("cut", "docker", 100)).map((record) => "text" in record && record.text)).toEqual(["one", "two"]);
});

test("where it can not be written, nothing else fails", async () => {
	writeFileSync(join(directory, "taken"), "");
	process.env["LMS_COMPUTER_STATE_DIR"] = join(directory, "taken");
	const journal = new Journal("none", "docker");
	process.env["LMS_COMPUTER_STATE_DIR"] = directory;
	journal.life("notice", "lost");
	expect(existsSync(file("none.jsonl"))).toBe(false);
	expect(readFileSync(join(directory, "taken"), "utf8")).toBe("");
});

test("one that was removed with its computer, or could not be written for a while, is written again", async () => {
	const journal = new Journal("again", "docker");
	journal.life("notice", "one");
	await removeJournal("again", "docker");
	journal.life("notice", "two");
	const texts = async () => (await readJournal("again", "docker", 10)).map((record) => "text" in record && record.text);
	expect(await texts()).toEqual(["two"]);
	await removeJournal("again", "docker");
	mkdirSync(file("again.jsonl"));
	journal.life("notice", "lost");
	rmSync(file("again.jsonl"), { recursive: true });
	journal.life("notice", "three");
	expect(await texts()).toEqual(["three"]);
	journal.close();
});
