import fc from "fast-check";
import { expect, test } from "vitest";
import { HeadTail } from "../../packages/computer/src/agent/head-tail.js";

test("keeps the first half and the last half of whatever comes, in whatever pieces", () => {
	fc.assert(
		fc.property(fc.integer({ min: 2, max: 40 }), fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 20 }), (maxBytes, pieces) => {
			const kept = new HeadTail(maxBytes);
			for (const piece of pieces) kept.push(piece);
			const all = Buffer.concat(pieces);
			const head = Math.ceil(maxBytes / 2);
			const expected = all.length <= maxBytes ? all : Buffer.concat([all.subarray(0, head), all.subarray(all.length - (maxBytes - head))]);
			expect(kept.bytes()).toEqual(expected);
			expect(kept.omittedBytes).toBe(all.length - expected.length);
		}),
		{ numRuns: 500 },
	);
});

test("a flood takes no more than the bound", () => {
	const kept = new HeadTail(1024);
	const chunk = Buffer.alloc(64 * 1024, "x");
	for (let i = 0; i < 2000; i++) kept.push(chunk);
	expect(kept.omittedBytes).toBe(2000 * chunk.length - 1024);
	expect(kept.bytes().length).toBe(1024);
});
