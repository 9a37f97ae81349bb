/** The first of them whose JSON fits: what is told as data has the budget of what is told as text. */
export function fitting<T>(items: readonly T[], bytes: number): readonly T[] {
	let left = bytes;
	const end = items.findIndex((item) => {
		left -= Buffer.byteLength(JSON.stringify(item)) + 1;
		return left < 0;
	});
	return end === -1 ? items : items.slice(0, end);
}
