/** Folds an engine's stream of pull events into one fraction; pure. */

/** One line of the stream of `POST /images/create`. */
export interface PullEvent {
	readonly id?: string;
	readonly status?: string;
	readonly error?: string;
	readonly errorDetail?: { readonly message?: string };
	readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** Of a layer's work, what is done when it is downloaded; the rest is unpacking. */
const DOWNLOAD_SHARE = 0.7;

export class PullProgress {
	readonly #layers = new Map<string, { bytes: number; done: number }>();
	#fraction = 0;

	/** The new fraction, 0 to 1, when it grew by a hundredth or more; it never shrinks. */
	add(event: PullEvent): number | undefined {
		if (event.id === undefined) return undefined;
		const layer = this.#layers.get(event.id) ?? { bytes: 0, done: 0 };
		const { current = 0, total = 0 } = event.progressDetail ?? {};
		if (total > layer.bytes) layer.bytes = total;
		const part = total > 0 ? Math.min(1, current / total) : 0;
		layer.done = Math.max(layer.done, share(event.status ?? "", part));
		this.#layers.set(event.id, layer);
		const fraction = this.#total();
		if (fraction < this.#fraction + 0.01) return undefined;
		this.#fraction = fraction;
		return fraction;
	}

	#total(): number {
		const sized = [...this.#layers.values()].filter(({ bytes }) => bytes > 0);
		const all = sized.reduce((sum, { bytes }) => sum + bytes, 0);
		return all === 0 ? 0 : sized.reduce((sum, { bytes, done }) => sum + bytes * done, 0) / all;
	}
}

function share(status: string, part: number): number {
	if (/^(pull complete|already exists)/i.test(status)) return 1;
	if (/^extracting/i.test(status)) return DOWNLOAD_SHARE + (1 - DOWNLOAD_SHARE) * part;
	if (/^(download complete|verifying)/i.test(status)) return DOWNLOAD_SHARE;
	return /^(downloading|copying)/i.test(status) ? DOWNLOAD_SHARE * part : 0;
}
