import fc from "fast-check";
import { expect, test } from "vitest";
import { ChunkMaker, cutText } from "../../packages/computer/src/agent/text.js";

/** Characters of every length, and bytes that are none. */
const bytes = fc
	.array(
		fc.oneof(
			fc.string({ unit: "binary", maxLength: 4 }).map((text) => Buffer.from(text)),
			fc.uint8Array({ maxLength: 4 }),
		),
		{ maxLength: 12 },
	)
	.map((parts) => Buffer.concat(parts));

test("the texts of the pieces join to the text of the whole, however it is cut", () => {
	fc.assert(
		fc.property(bytes, fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 60 }), (all, sizes) => {
			const maker = new ChunkMaker("stdout");
			const texts: string[] = [];
			let at = 0;
			for (const size of [...sizes, all.length]) {
				texts.push(maker.make(all.subarray(at, at + size)).text);
				at = Math.min(all.length, at + size);
			}
			texts.push(maker.last()?.text ?? "");
			expect(texts.join("")).toBe(all.toString("utf8"));
		}),
		{ numRuns: 2000 },
	);
});

test("a euro sign that comes in two pieces is whole in the second", () => {
	const maker = new ChunkMaker("stderr");
	expect(maker.make(Buffer.from([0x61, 0xe2, 0x82])).text).toBe("a");
	expect(maker.make(Buffer.from([0xac, 0x62])).text).toBe("€b");
	expect(maker.last()).toBeUndefined();
});

test("half a character at the end is U+FFFD", () => {
	const maker = new ChunkMaker("stdout");
	expect(maker.make(Buffer.from([0xe2, 0x82])).text).toBe("");
	expect(maker.last()?.text).toBe("\ufffd");
});

test("cut text breaks no character at the seam and has the notice on a line of its own", () => {
	const head = Buffer.from("ab€").subarray(0, 4);
	const tail = Buffer.from("€yz").subarray(1);
	expect(cutText(Buffer.concat([head, tail]), head.length, "[… 9 bytes …]")).toBe("ab\n[… 9 bytes …]\nyz");
});
