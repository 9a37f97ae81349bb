import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PolicyFile } from "../../packages/computer/src/egress/policy-file.js";
import { expectSecrets } from "../../packages/computer/src/egress/secrets.js";

let directory: string;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), "lms-policy-"));
});

afterAll(() => rm(directory, { recursive: true }));

const policy = {
	on: true,
	asked: "x",
	entries: [
		{ word: "pip", rules: ["mirror.example:443", "files.example:443"] },
		{ word: "*.example.org", rules: ["*.example.org"] },
	],
	secrets: expectSecrets("secrets", [
		"TOKEN@api.example.com=authorization: token {}",
		{ name: "KEPT", host: "h.example:8443", value: "s3cr3t-value" },
	]),
};

test("what is written is read by another process, without the values of secrets, and by nobody else's", async () => {
	const file = new PolicyFile("docker", "round.trip", directory);
	expect(await file.read()).toMatchObject({ on: false, damaged: false });
	await file.write(policy);
	const other = new PolicyFile("docker", "round.trip", directory);
	expect(await other.read()).toMatchObject({ on: true, entries: policy.entries, damaged: false });
	expect((await other.read()).secrets).toMatchObject([
		{ name: "TOKEN", host: "api.example.com", port: 443, header: "authorization", template: "token {}", fromEnv: "TOKEN" },
		{ name: "KEPT", host: "h.example", port: 8443, value: undefined },
	]);
	expect((await other.rules()).map(({ text }) => text)).toEqual([
		"mirror.example:443",
		"files.example:443",
		"*.example.org",
		"api.example.com:443",
		"h.example:8443",
	]);
	expect(await readFile(file.path, "utf8")).not.toContain("s3cr3t");
	expect((await stat(file.path)).mode & 0o777).toBe(0o600);
	expect((await stat(dirname(file.path))).mode & 0o777).toBe(0o700);
	// Another driver's computer of that name is another one.
	expect(await new PolicyFile("podman", "round.trip", directory).read()).toMatchObject({ on: false });
	await file.write({ ...policy, on: false });
	expect(await other.rules()).toEqual([]);
	await file.remove();
	expect(await other.read()).toMatchObject({ on: false });
	expect(await readdir(dirname(file.path))).toEqual([]);
});

test("a file that is cut short, changed or of another kind lets nothing through", async () => {
	const file = new PolicyFile("namespace", "damaged", directory);
	await file.write(policy);
	const whole = await readFile(file.path, "utf8");
	const others = fc.oneof(
		fc.nat(whole.length - 1).map((end) => whole.slice(0, end)),
		fc.constantFrom(
			"",
			"{}",
			"null",
			"[]",
			whole.replace('"schema": 1', '"schema": 2'),
			whole.replace("*.example.org", "http://x"),
			whole.replaceAll("*.example.org", "a b"),
			whole.replace('"on": true', '"on": 1'),
		),
		fc.json(),
	);
	await fc.assert(
		fc.asyncProperty(others, async (text) => {
			await writeFile(file.path, text);
			const fresh = new PolicyFile("namespace", "damaged", directory);
			expect(await fresh.rules()).toEqual([]);
			expect(await fresh.read()).toMatchObject({ on: true, damaged: true, secrets: [] });
		}),
	);
});
