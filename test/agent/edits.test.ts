import { describe, expect, test } from "vitest";
import { Files } from "../../packages/computer/src/agent/files.js";
import { hintFor } from "../../packages/computer/src/errors/hints.js";
import { fakeGuest, json } from "./guest.js";

describe("the hint of a replacement that did not match", () => {
	const closest = { line: 12, text: "x", diff: "" };
	test.each<[object, RegExp]>([
		[{ matches: 3, lines: [1, 5, 9] }, /^Add lines .* all 3 with `all`\.$/],
		[{ matches: 0, difference: "line_endings", closest }, /`matchLineEndings`/],
		[{ matches: 0, difference: "white_space", closest }, /spaces, tabs .* from line 12 on\.$/],
		[{ matches: 0, difference: "line_numbers", closest }, /^Leave out the line numbers/],
		[{ matches: 0, difference: "case", closest }, /case .* from line 12 on\.$/],
		[{ matches: 0, closest }, /exactly .* from line 12 on\.$/],
		[{ matches: 0, difference: "a later kind", closest }, /exactly .* from line 12 on\.$/],
		[{ matches: 0, index: 0 }, /^Read the file: nothing/],
		[{ matches: 0, index: 2 }, /after the replacements before this one: nothing/],
	])("%j", (context, hint) => {
		expect(hintFor("invalid_argument", context as Record<string, unknown>)).toMatch(hint);
	});

	test("is none where there is nothing to say", () => {
		expect(hintFor("invalid_argument", {})).toBe("");
		expect(hintFor("not_found", { matches: 0 })).toBe("");
	});
});

const ENTRY = { name: "f", path: "/f", type: "file", size: 1, mode: 420, mtimeMs: 1, uid: 0, gid: 0 };

describe("a guest's answer to an edit", () => {
	const answered = (value: unknown, status = 200) => new Files(fakeGuest((stream) => json(stream, value, status)).link);
	const replace = (files: Files) => files.replace("/f", [{ old: "a", new: "b" }]);

	test("has one count for each replacement", async () => {
		expect(await replace(answered({ ...ENTRY, replaced: [2], firstLines: [7], totalLines: 9 }))).toMatchObject({
			replaced: [{ count: 2, firstLine: 7 }],
			totalLines: 9,
		});
		for (const replaced of [[], [1, 1], ["1"], [-1], [0.5], null, 1]) {
			await expect(replace(answered({ ...ENTRY, replaced, firstLines: [7], totalLines: 9 }))).rejects.toMatchObject({
				code: "protocol_error",
			});
		}
	});

	test("that refuses keeps its facts, and no others", async () => {
		const context = {
			index: 1,
			matches: 0,
			lines: [1, "2", {}, 3, 1e300],
			closest: { line: 2, text: "\ta\r\n", diff: "x".repeat(100_000 / 4), more: { deep: [] } },
			more: { deep: [] },
			list: [1],
		};
		const refused = replace(answered({ code: "invalid_argument", message: "no", context }, 400));
		const error = await refused.catch((caught) => caught);
		expect(error.context).toEqual({ index: 1, matches: 0, lines: [1, 3], closest: { line: 2, text: "\ta\r\n", diff: "x".repeat(16_384) } });
		for (const closest of [null, [], { line: "2", text: "", diff: "" }, { line: 2, text: 5, diff: "" }]) {
			const refused = replace(answered({ code: "invalid_argument", message: "no", context: { closest } }, 400));
			expect((await refused.catch((caught) => caught)).context).toEqual({});
		}
	});

	test("of lines has headers that can be true", async () => {
		const lines = (headers: Record<string, string>) =>
			new Files(
				fakeGuest((stream) => {
					stream.respond({ ":status": 200, "lms-end": "2", "lms-total-lines": "9", "lms-offset": "0", ...headers });
					stream.end("a\nb\n");
				}).link,
			).lines("/f", { start: 1, end: 2, maxBytes: 100 });
		expect(await lines({})).toMatchObject({ text: "a\nb\n", endLine: 2, truncated: false, binary: false });
		for (const headers of [{ "lms-end": "3" }, { "lms-end": "-1" }, { "lms-total-lines": "many" }, { "lms-offset": "99999999999999999" }]) {
			await expect(lines(headers)).rejects.toMatchObject({ code: "protocol_error" });
		}
	});

	test("of more lines than asked for is refused", async () => {
		const files = new Files(
			fakeGuest((stream) => {
				stream.respond({ ":status": 200, "lms-end": "1", "lms-total-lines": "1", "lms-offset": "0" });
				stream.end(Buffer.alloc(1000));
			}).link,
		);
		await expect(files.lines("/f", { maxBytes: 999 })).rejects.toMatchObject({ code: "protocol_error" });
	});
});

test("an edit that no agent would take is not sent", async () => {
	const guest = fakeGuest(() => {});
	const files = new Files(guest.link);
	await guest.connection();
	await expect(files.replace("/f", [{ old: "a", new: "x".repeat(17 << 20) }])).rejects.toMatchObject({ code: "too_large" });
	await expect(files.replace("/f", [{ old: "a", new: "\udc00" }])).rejects.toMatchObject({ code: "invalid_argument" });
	await expect(files.insert("/f", { afterLine: 0.5, text: "x" })).rejects.toMatchObject({ code: "invalid_argument" });
});
