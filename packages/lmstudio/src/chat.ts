/** The chats that this process serves. All that counts is in their computers: a process that is started anew finds it there. */
import { type Computer, openComputer, Toolbox, type ToolResult } from "./library.js";
import { tellProgress } from "./progress.js";
import type { Settings } from "./settings.js";

/** Chats that are remembered. An older one loses its count of calls and its connection, nothing else. */
const MAX_CHATS = 16;

/** Of output as it usually is. A result takes a quarter of the model's context at most. */
const BYTES_PER_TOKEN = 4;

export interface CallOptions {
	readonly signal: AbortSignal;
	readonly onStatus: (text: string) => void;
	/** What the user should know about the computer, each once. */
	readonly onNotice?: (text: string) => void;
}

/** One chat: its toolbox, made anew when its settings have changed. */
export class Chat {
	settings: Settings;
	#toolbox: Toolbox;
	#computer: Computer | undefined;
	#contextTokens: number | undefined;
	#running = new Set<Promise<unknown>>();
	#told = 0;

	constructor(settings: Settings, contextTokens?: number) {
		this.settings = settings;
		this.#contextTokens = contextTokens;
		this.#toolbox = this.#makeToolbox();
	}

	/** Applied by the next call; what runs goes on in the computer as it was. */
	configure(settings: Settings, contextTokens = this.#contextTokens): void {
		const same = JSON.stringify(settings) === JSON.stringify(this.settings) && contextTokens === this.#contextTokens;
		if (same) return;
		const before = this.#toolbox;
		void Promise.allSettled(this.#running).then(() => before.close());
		this.settings = settings;
		this.#contextTokens = contextTokens;
		this.#computer = undefined;
		this.#toolbox = this.#makeToolbox();
	}

	get contextTokens(): number | undefined {
		return this.#contextTokens;
	}

	get tools(): Toolbox["tools"] {
		return this.#toolbox.tools;
	}

	newTurn(): void {
		this.#toolbox.newTurn();
	}

	/** Opened if it was not yet. */
	async open(options: CallOptions): Promise<Computer> {
		return this.#toolbox.computer(options);
	}

	/** Only if a call has opened it. */
	get computer(): Computer | undefined {
		return this.#computer;
	}

	async call(name: string, args: Readonly<Record<string, unknown>>, options: CallOptions): Promise<ToolResult> {
		const call = this.#toolbox.call(name, args, options);
		this.#running.add(call);
		const told = tellProgress({ tool: name, args, computer: () => this.#computer, onStatus: options.onStatus });
		try {
			return await call;
		} finally {
			told();
			this.#running.delete(call);
			for (const notice of this.#computer?.notices.slice(this.#told) ?? []) options.onNotice?.(notice);
			this.#told = this.#computer?.notices.length ?? 0;
		}
	}

	async close(): Promise<void> {
		await this.#toolbox.close();
	}

	#makeToolbox(): Toolbox {
		const { computer, tools } = this.settings;
		return new Toolbox({
			...tools,
			contextTokens: this.#contextTokens,
			maxOutputTokens: Math.ceil(Math.min(tools.maxOutputBytes / BYTES_PER_TOKEN, (this.#contextTokens ?? Number.POSITIVE_INFINITY) / 4)),
			open: async ({ signal, onProgress }) => {
				this.#told = 0;
				this.#computer = undefined;
				this.#computer = await openComputer({ ...computer, signal, onProgress: (step) => onProgress?.(withPercent(step)) });
				return this.#computer;
			},
		});
	}
}

function withPercent<Step extends { readonly message: string; readonly fraction?: number }>(step: Step): Step {
	return step.fraction === undefined ? step : { ...step, message: `${step.message} · ${Math.floor(step.fraction * 100)} %` };
}

export class Chats {
	readonly #chats = new Map<string, Chat>();

	/** A chat is known by its folder; chats without one are as one. */
	get(folder: string | undefined, settings: Settings, contextTokens?: number): Chat {
		const key = folder ?? "";
		const chat = this.#chats.get(key) ?? new Chat(settings, contextTokens);
		chat.configure(settings, contextTokens);
		this.#chats.delete(key);
		this.#chats.set(key, chat);
		const [oldest] = this.#chats.keys();
		if (this.#chats.size > MAX_CHATS && oldest !== undefined) {
			void this.#chats.get(oldest)?.close();
			this.#chats.delete(oldest);
		}
		return chat;
	}

	async close(): Promise<void> {
		await Promise.allSettled([...this.#chats.values()].map((chat) => chat.close()));
	}
}
