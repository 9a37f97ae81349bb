import { describe, expect, inject, test } from "vitest";
import { DRIVERS, MATRIX, REQUIRED } from "../support/drivers.js";

describe.each(DRIVERS)("$driver", (target) => {
	test.skipIf(target.skip !== undefined)(
		`is usable, because DRIVERS names it${target.skip === undefined ? "" : ` (skipped: ${target.skip})`}`,
		() => {
			const availability = inject("availability")[target.driver];
			expect(availability.usable, availability.usable ? "" : `${availability.reason} ${availability.hint}`).toBe(true);
		},
	);
});

test("a driver that DRIVERS names is never skipped", () => {
	if (REQUIRED !== undefined) expect(MATRIX.filter((target) => target.skip !== undefined)).toEqual([]);
	expect(MATRIX).toHaveLength(2 * DRIVERS.length);
});
