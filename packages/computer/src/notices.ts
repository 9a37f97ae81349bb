/** What a user should know of a computer. The latest are kept, and all are counted: the same thing happens again, and each time is news. */
const MAX_KEPT = 100;

export class Notices {
	readonly latest: string[] = [];
	readonly #lasting = new Set<string>();
	#count = 0;

	/** Those too that are not kept any more. */
	get count(): number {
		return this.#count;
	}

	/** @param lasting it was so before anybody came here */
	add(notice: string, lasting = false): void {
		if (lasting) this.#lasting.add(notice);
		this.#count++;
		this.latest.push(notice);
		if (this.latest.length > MAX_KEPT) this.latest.shift();
	}

	/** What has happened, or was not done: without what was so before, which was said then. */
	get happened(): readonly string[] {
		return this.latest.filter((notice) => !this.#lasting.has(notice));
	}

	/** What came after the first `count`, each text once. */
	since(count: number): readonly string[] {
		const fresh = Math.min(this.#count - count, this.latest.length);
		return fresh <= 0 ? [] : [...new Set(this.latest.slice(-fresh))];
	}
}
