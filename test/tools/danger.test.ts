import { describe, expect, test } from "vitest";
import { deletesEverything } from "../../packages/computer/src/tools/danger.js";

describe("a command that would delete everything", () => {
	test.each([
		"rm -rf /",
		"rm -fr ~/*",
		'cd /tmp\n  sudo rm -r -f "/home/user"',
		"true; rm -rf $HOME",
		"if true; then rm -rf /*; fi",
		"find / \\( -name a -o -name b \\) -delete",
		"(find ~ -type f -delete)",
		"mkfs.ext4 /dev/sda",
		"dd if=/dev/zero of=/dev/sda",
		"chmod -R 000 /",
		"chown -R nobody /home/user",
		`${"\n".repeat(200_000)}rm -rf /`,
		`${"echo a long way to it && ".repeat(200)}rm -rf ~`,
	])("%j", (command) => {
		expect(deletesEverything(command)).toBe(true);
	});

	test.each(["rm -rf /tmp/x", "rm -rf ./*", "echo rm -rf /", "find . -delete", "dd if=a of=b", "chmod -R 755 bin"])(
		"%j is none",
		(command) => {
			expect(deletesEverything(command)).toBe(false);
		},
	);

	test.each([
		["newlines", "\n"],
		["spaces", " "],
		["one option", "rm -r "],
		["a long one", "rm -rrrrrr"],
		["options", " -r"],
		["one command", ";dd "],
		["another", "find / "],
		["a third", "; chmod -R x "],
		["beginnings", "; "],
	])("is not looked for for ever in %s", (_, part) => {
		expect(deletesEverything(part.repeat(200_000))).toBe(false);
		expect(deletesEverything(`rm ${part.repeat(200_000)}`)).toBe(false);
		expect(deletesEverything(`${part.trim().repeat(100)}\n`.repeat(2_000))).toBe(false);
	});
});
