import { compute } from "computesdk";
import { computeProvider } from "lms-computer/adapters";
import { afterAll, describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";

const target = DRIVERS.findLast(({ skip }) => skip === undefined);

describe.skipIf(target === undefined)("computesdk", () => {
	const provider = computeProvider({ ...target?.options, name: target?.computerName("compute") });
	const own = compute({ provider });
	afterAll(async () => {
		for (const { sandboxId } of await own.sandbox.list()) await own.sandbox.destroy(sandboxId);
	});

	test("makes, finds, lists and destroys sandboxes", async () => {
		const sandbox = await own.sandbox.create({ name: "one", envs: { FRUIT: "pear" } });
		expect(await sandbox.runCommand('echo "$FRUIT"; echo no >&2; exit 3')).toMatchObject({ stdout: "pear\n", stderr: "no\n", exitCode: 3 });
		expect(await sandbox.runCommand("pwd", { cwd: "/tmp", env: { A: "1" }, timeout: 5000 })).toMatchObject({ stdout: "/tmp\n" });
		const heard: string[] = [];
		await sandbox.runCommand("echo one; echo two", { onStdout: (text) => heard.push(text) });
		expect(heard.join("")).toBe("one\ntwo\n");
		expect(await sandbox.getInfo()).toMatchObject({ id: sandbox.sandboxId, provider: "lms-computer", status: "running" });

		const { filesystem } = sandbox;
		await filesystem.mkdir("/home/user/dir");
		await filesystem.writeFile("/home/user/dir/a.txt", "text");
		expect(await filesystem.readFile("/home/user/dir/a.txt")).toBe("text");
		expect(await filesystem.readdir("/home/user/dir")).toMatchObject([{ name: "a.txt", type: "file", size: 4 }]);
		await filesystem.remove("/home/user/dir");
		expect(await filesystem.exists("/home/user/dir")).toBe(false);

		const found = await own.sandbox.getById(sandbox.sandboxId);
		expect(await found?.runCommand("echo found")).toMatchObject({ stdout: "found\n" });
		expect((await own.sandbox.list()).map(({ sandboxId }) => sandboxId)).toEqual([sandbox.sandboxId]);
		expect(await own.sandbox.getById("somebody-elses")).toBeNull();
	});

	test("keeps snapshots, and makes sandboxes from them", async () => {
		const sandbox = await own.sandbox.create({ name: "two" });
		await sandbox.filesystem.writeFile("/home/user/a.txt", "before");
		const snapshot = await own.snapshot.create(sandbox.sandboxId, { name: "first" });
		await sandbox.filesystem.writeFile("/home/user/a.txt", "after");
		const copy = await own.sandbox.create({ name: "three", snapshotId: snapshot.id });
		expect(await copy.filesystem.readFile("/home/user/a.txt")).toBe("before");
		expect((await own.snapshot.list()).map(({ id }) => id)).toContain(snapshot.id);
		await own.snapshot.delete(snapshot.id);
		await copy.destroy();
		await own.sandbox.destroy(sandbox.sandboxId);
		expect(await own.sandbox.getById(sandbox.sandboxId)).toBeNull();
	});

	test("a port has an address on this host", async () => {
		const sandbox = await own.sandbox.create({ name: "four" });
		await sandbox.runCommand(
			`perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 8066, Listen => 5) or die; while ($c = $s->accept) { while (<$c>) { last if /^\\r/ } print $c "HTTP/1.0 200 OK\\r\\n\\r\\nserved"; close $c }'`,
			{ background: true },
		);
		const url = await sandbox.getUrl({ port: 8066 });
		await expect.poll(async () => (await fetch(url).catch(() => undefined))?.text(), { timeout: 10_000 }).toBe("served");
		await sandbox.destroy();
	});
});
