import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SCRATCH } from "../support/scratch.js";
import { expectError, suite } from "../support/suite.js";

let directory: string;
beforeEach(() => {
	directory = fs.mkdtempSync(join(SCRATCH, "lms-transfer-"));
});
afterEach(() => fs.promises.rm(directory, { recursive: true, force: true }));

/** As `sha256sum` prints them, sorted by name. */
function checksums(root: string): string[] {
	return (fs.readdirSync(root, { recursive: true }) as string[])
		.filter((name) => fs.statSync(join(root, name)).isFile())
		.map(
			(name) =>
				`${createHash("sha256")
					.update(fs.readFileSync(join(root, name)))
					.digest("hex")}  ./${name}`,
		)
		.sort();
}

suite("transfer", (subject) => {
	const host = (name: string) => join(directory, `${subject.target.driver}-${subject.target.shell}`, name);

	test("10,000 files in and out, the same checksums on every side", async () => {
		const from = host("many");
		for (let folder = 0; folder < 100; folder++) {
			fs.mkdirSync(join(from, `${folder}`), { recursive: true });
			for (let i = 0; i < 100; i++) fs.writeFileSync(join(from, `${folder}`, `file-${i}`), `${folder} ${i}\n`.repeat(i));
		}
		const sent = await subject.computer.files.upload(from, "many");
		expect(sent).toMatchObject({ entries: 10_100, skipped: [] });
		const { stdout } = await subject.computer.exec("cd ~/many && find . -type f -exec sha256sum {} +", {
			session: "aside",
			maxOutputBytes: 4 * 1024 * 1024,
		});
		const expected = checksums(from);
		expect(stdout.trimEnd().split("\n").sort()).toEqual(expected);
		await subject.computer.files.download("many", host("back"));
		expect(checksums(host("back"))).toEqual(expected);
	}, 60_000);

	test("modes and symlinks as the guest's own programs see them", async () => {
		const from = host("kinds");
		fs.mkdirSync(join(from, "bin"), { recursive: true });
		fs.writeFileSync(join(from, "bin/tool"), "#!/bin/sh\necho ran\n");
		fs.chmodSync(join(from, "bin/tool"), 0o4755);
		fs.symlinkSync("bin/tool", join(from, "link"));
		await subject.computer.files.upload(from, "/opt/kinds");
		expect(await subject.sh("cd /opt/kinds && ./link && readlink link && stat -c '%a %u %g' bin/tool")).toBe("ran\nbin/tool\n755 0 0");
	});

	test("64 MB as one file, both ways", async () => {
		const bytes = randomBytes(64 * 1024 * 1024);
		fs.mkdirSync(host("."), { recursive: true });
		fs.writeFileSync(host("large"), bytes, { mode: 0o640 });
		await subject.computer.files.upload(host("large"), "large");
		expect(await subject.sh("sha256sum /home/user/large | cut -c1-64; stat -c %a /home/user/large")).toBe(
			`${createHash("sha256").update(bytes).digest("hex")}\n640`,
		);
		await subject.computer.files.download("large", host("large-back"));
		expect(Buffer.compare(fs.readFileSync(host("large-back")), bytes)).toBe(0);
		expect(fs.statSync(host("large-back")).mode & 0o777).toBe(0o640);
	});

	test("what the guest made: odd names, sparse files, FIFOs, symlinks that lead out", async () => {
		await subject.sh(
			"rm -rf /tmp/odd; mkdir -p /tmp/odd/-d && cd /tmp/odd && printf x >\"$(printf 'a\\377\\nb')\" && printf x >./-d/-f && mkfifo p && ln -s /etc/passwd out && ln -s -- -d in && truncate -s 5G sparse && chmod 4711 ./-d/-f",
		);
		const result = await subject.computer.files.download("/tmp/odd", host("odd"));
		expect(result.skipped).toEqual(expect.arrayContaining(["out", expect.stringMatching(/^1 in the machine/)]));
		expect((fs.readdirSync(host("odd"), { encoding: "latin1" }) as string[]).sort()).toEqual(["-d", "a\xff\nb", "in", "sparse"]);
		expect(fs.statSync(host("odd/-d/-f")).mode & 0o7777).toBe(0o711);
		expect(fs.statSync(host("odd/sparse"))).toMatchObject({ size: 5 * 1024 ** 3 });
		expect(fs.statSync(host("odd/sparse")).blocks).toBeLessThan(1000);
		await expectError(subject.computer.files.download("/tmp/odd", host("bounded"), { maxBytes: 1024 ** 3 }), "too_large");
		expect(fs.existsSync(host("bounded"))).toBe(false);
	});

	test("a file that the kernel makes as it is read comes whole, and one that can not be read is told of", async () => {
		await subject.computer.files.download("/proc/version", host("version"));
		expect(fs.readFileSync(host("version"), "utf8").trim()).toBe((await subject.sh("cat /proc/version")).trim());
		// Not as a connection that broke.
		await expect(subject.computer.files.download("/proc/self/mem", host("mem"))).rejects.toMatchObject({
			message: expect.stringContaining("/proc/self/mem"),
		});
		await subject.computer.files.upload("/proc/cpuinfo", "/tmp/cpuinfo");
		expect(await subject.sh("wc -l < /tmp/cpuinfo")).toMatch(/^[1-9]/);
	});

	test("what is neither file, folder nor symlink stays on this host", async () => {
		await subject.sh("mkdir -p /tmp/special && echo new | tee /tmp/special/a > /tmp/special/fifo");
		fs.mkdirSync(host("special"), { recursive: true });
		fs.writeFileSync(host("special/a"), "old");
		execFileSync("mkfifo", [host("special/fifo")]);
		fs.symlinkSync("fifo", host("special/stdout"));
		for (const at of ["fifo", "stdout"]) {
			await expectError(subject.computer.files.download("/tmp/special/a", host(`special/${at}`)), "already_exists");
		}
		await expectError(subject.computer.files.download("/tmp/special", host("special")), "already_exists");
		expect(fs.lstatSync(host("special/fifo")).isFIFO()).toBe(true);
		expect(fs.lstatSync(host("special/stdout")).isSymbolicLink()).toBe(true);
		expect(fs.readFileSync(host("special/a"), "utf8")).toBe("old");
		expect(fs.readdirSync(host("special")).sort()).toEqual(["a", "fifo", "stdout"]);
	});

	test("what is not there, and what is no file", async () => {
		await expectError(subject.computer.files.download("/none", host("none")), "not_found");
		await expectError(subject.computer.files.download("/dev/null", host("none")), "not_a_file");
		await expectError(subject.computer.files.upload(host("never"), "x"), "not_found");
		expect(fs.existsSync(host("none"))).toBe(false);
	});
});
