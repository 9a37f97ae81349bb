import { describe, expect, inject, test } from "vitest";
import { DRIVERS, MATRIX, REQUIRED } from "../support/drivers.js";

for (const { driver, skip } of DRIVERS) {
	describe(`${driver}${skip === undefined ? "" : ` (skipped: ${skip})`}`, () => {
		test.skipIf(skip !== undefined)("is usable", () => {
			const availability = inject("availability")[driver];
			expect(availability.usable, availability.usable ? "" : `${availability.reason} ${availability.hint}`).toBe(true);
		});
	});
}

test("a driver that DRIVERS names is never skipped", () => {
	if (REQUIRED !== undefined) expect(MATRIX.filter((target) => target.skip !== undefined)).toEqual([]);
	expect(MATRIX).toHaveLength(2 * DRIVERS.length);
});
