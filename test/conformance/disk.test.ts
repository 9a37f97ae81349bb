import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { expectError } from "../support/suite.js";

const MiB = 1024 * 1024;

describe.for(DRIVERS)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("a limit of the disk", () => {
		const open = () => target.open("disk", { diskBytes: 24 * MiB });

		test("kept by the file system where the capabilities say so", async ({ skip }) => {
			if (!target.capabilities.limitDisk) skip("a driver that only watches it");
			const computer = await open();
			expect((await computer.exec("dd if=/dev/zero of=~/large bs=1M count=32")).exitCode).not.toBe(0);
			await expectError(computer.files.write("too-large", Buffer.alloc(32 * MiB)), "disk_full");
		});

		test("else it is watched, and a notice says what that is worth", async ({ skip }) => {
			if (target.capabilities.limitDisk) skip("a driver whose file system keeps it");
			const computer = await open();
			expect(computer.notices.join()).toContain("The disk limit of 24 MiB is not kept by the file system");
			await expectError(computer.files.write("too-large", Buffer.alloc(25 * MiB)), "disk_full");
			expect(await computer.files.exists("too-large")).toBe(false);
			await computer.files.write("fits", Buffer.alloc(4 * MiB));
			// Commands can go past it. What came with the image does not count.
			expect((await computer.exec("dd if=/dev/zero of=~/large bs=1M count=23 && sync")).exitCode).toBe(0);
			const written = async () => (await computer.metrics()).disk.writtenBytes ?? 0;
			await expect.poll(written, { timeout: 20_000, interval: 500 }).toBeGreaterThan(26 * MiB);
			expect(await written()).toBeLessThan(40 * MiB);
			expect((await computer.metrics()).disk.limitBytes).toBe(24 * MiB);
			await expectError(computer.files.write("one-more", "x"), "disk_full");
			await expectError(computer.files.copy("fits", "copied"), "disk_full");
			await computer.files.remove("large");
			await expect.poll(written, { timeout: 20_000, interval: 500 }).toBeLessThan(10 * MiB);
			await computer.files.write("one-more", "x");
		});
	});
});
