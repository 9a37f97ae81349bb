/** Timing of several ways to do one thing, interleaved in one run, so that a noisy machine is noisy for all of them. */

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];

/**
 * @param {Record<string, () => Promise<unknown>>} ways by name; the first is the yardstick
 * @param {{ rounds: number, batch?: number | Record<string, number> }} options batch: calls of a way in a row within a round, for short ones
 * @returns {Promise<Record<string, { medianMs: number, p95Ms: number, calls: number }>>}
 */
export async function measure(ways, { rounds, batch = 1 }) {
	const names = Object.keys(ways);
	const times = Object.fromEntries(names.map((name) => [name, []]));
	const size = (name) => (typeof batch === "number" ? batch : (batch[name] ?? 1));
	for (const name of names) await ways[name](); // warm
	for (let round = 0; round < rounds; round++) {
		for (const name of names) {
			for (let i = 0; i < size(name); i++) {
				const start = performance.now();
				await ways[name]();
				times[name].push(performance.now() - start);
			}
		}
	}
	return Object.fromEntries(
		names.map((name) => {
			const sorted = times[name].sort((a, b) => a - b);
			return [name, { medianMs: percentile(sorted, 0.5), p95Ms: percentile(sorted, 0.95), calls: sorted.length }];
		}),
	);
}

/** @param {Record<string, { medianMs: number, p95Ms: number }>} figures the first is the yardstick */
export function table(title, figures) {
	const yardstick = Object.values(figures)[0].medianMs;
	const lines = [`\n### ${title}\n`, "| way | median ms | p95 ms | how many times faster than the first |", "| --- | ---: | ---: | ---: |"];
	for (const [name, { medianMs, p95Ms }] of Object.entries(figures)) {
		lines.push(`| ${name} | ${medianMs.toFixed(2)} | ${p95Ms.toFixed(2)} | ${(yardstick / medianMs).toFixed(1)} |`);
	}
	return lines.join("\n");
}
