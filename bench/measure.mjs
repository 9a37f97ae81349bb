/** Timing of several ways to do one thing, interleaved in one run, so that a noisy machine is noisy for all of them. */

export const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];

/** @param {number[]} times in ms */
export function summary(times, failed = 0) {
	const sorted = times.toSorted((a, b) => a - b);
	const at = (p) => (sorted.length === 0 ? null : round(percentile(sorted, p)));
	return { medianMs: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), calls: sorted.length, failed };
}

/**
 * @param {Record<string, () => Promise<unknown>>} ways by name; the first is the yardstick. One that answers a number has timed itself, in ms
 * @param {{ rounds: number, batch?: (name: string) => number, warm?: boolean }} options batch: calls of a way in a row within a round, for short ones
 * @returns {Promise<Record<string, ReturnType<typeof summary>>>}
 */
export async function measure(ways, { rounds, batch = () => 1, warm = true }) {
	const names = Object.keys(ways);
	const times = Object.fromEntries(names.map((name) => [name, []]));
	if (warm) for (const name of names) await ways[name]();
	for (let turn = 0; turn < rounds; turn++) {
		for (const name of names) {
			for (let i = 0; i < batch(name); i++) times[name].push(await timed(ways[name]));
		}
	}
	return Object.fromEntries(names.map((name) => [name, summary(times[name])]));
}

/** In ms; what a way has timed itself counts. */
export async function timed(way) {
	const start = performance.now();
	const own = await way();
	return typeof own === "number" ? own : performance.now() - start;
}

/** All at once, or each so many ms after the one before. What fails is counted. */
export async function storm(count, way, staggerMs = 0) {
	const times = [];
	const reasons = new Set();
	let failed = 0;
	await Promise.all(
		Array.from({ length: count }, async (_, i) => {
			if (staggerMs > 0) await new Promise((resolve) => setTimeout(resolve, i * staggerMs));
			try {
				times.push(await timed(() => way(i)));
			} catch (error) {
				failed++;
				reasons.add(String(error.message).slice(0, 200));
			}
		}),
	);
	return { ...summary(times, failed), ...(reasons.size > 0 ? { reasons: [...reasons].slice(0, 3) } : {}) };
}

export function round(value) {
	return value >= 100 ? Math.round(value * 10) / 10 : Math.round(value * 1000) / 1000;
}
