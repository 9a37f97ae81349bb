import fc from "fast-check";
import { expect, test } from "vitest";
import { encodePath } from "../../packages/computer/src/agent/paths.js";

const HOME = "/home/user";

function decode(encoded: string): Buffer {
	expect(encoded).toMatch(/^[A-Za-z0-9_./%-]*$/);
	return Buffer.from(
		encoded.replace(/%([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
		"latin1",
	);
}

test.each([
	["/etc/passwd", "/etc/passwd"],
	["notes.txt", `${HOME}/notes.txt`],
	["./a", `${HOME}/./a`],
	["../a", `${HOME}/../a`],
	["~", HOME],
	["~/a b", `${HOME}/a b`],
	["~root/x", `${HOME}/~root/x`],
	["-rf", `${HOME}/-rf`],
	["/a\n$(b)'c\"?&#%=+", "/a\n$(b)'c\"?&#%=+"],
	["/ü€😀", "/ü€😀"],
])("%j is %j", (path, absolute) => {
	expect(decode(encodePath(path)).toString()).toBe(absolute);
	expect(decode(encodePath(Buffer.from(path))).toString()).toBe(absolute);
});

test("any bytes but NUL arrive as they are", () => {
	fc.assert(
		fc.property(fc.uint8Array({ minLength: 1, maxLength: 200, min: 1 }), (name) => {
			const path = Buffer.concat([Buffer.from("/"), name]);
			expect(decode(encodePath(path))).toEqual(path);
		}),
	);
});

test.each([
	["nothing", ""],
	["no bytes", new Uint8Array(0)],
	["NUL", "/a\0b"],
	["NUL in bytes", Buffer.from("a\0")],
	["half a surrogate pair", "/\ud800"],
	["more than the kernel takes", `/${"x".repeat(4095)}`],
	["a number", 7 as unknown as string],
])("%s is refused", (_name, path) => {
	expect(() => encodePath(path)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
});
