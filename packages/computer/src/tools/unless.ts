/** What it answers, unless `signal` comes first: who has gone waits for nothing. */
export async function unless<T>(signal: AbortSignal | undefined, refusal: () => Error, answer: () => Promise<T>): Promise<T> {
	if (signal?.aborted) throw refusal();
	let refuse = () => {};
	const stopped = new Promise<never>((_, reject) => {
		refuse = () => reject(refusal());
		signal?.addEventListener("abort", refuse, { once: true });
	});
	try {
		return await Promise.race([stopped, answer()]);
	} finally {
		signal?.removeEventListener("abort", refuse);
	}
}
