/** The chats that this process serves. All that counts is in their computers: a process that is started anew finds it there. */
import { setTimeout as pause } from "node:timers/promises";
import { type Computer, openComputer, Toolbox, type ToolResult } from "./library.js";
import { tellProgress } from "./progress.js";
import type { Settings } from "./settings.js";

/** Chats that are remembered. An older one loses its count of calls and its connection, nothing else. */
const MAX_CHATS = 16;

/** For an answer about the chat's model: the first one decides how many tools it gets. */
const FIRST_ANSWER_MS = 3_000;
const LATER_ANSWER_MS = 500;

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
	#asked = false;
	#running = new Set<Promise<unknown>>();
	#told = 0;

	constructor(settings: Settings) {
		this.settings = settings;
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

	/** How much the chat's model holds, where a setting does not decide. What is answered late counts later. */
	async learnContext(ask: () => Promise<number | undefined>): Promise<void> {
		if (this.settings.tools.profile !== undefined) return;
		const answered = ask()
			.catch(() => undefined)
			.then((tokens) => tokens !== undefined && this.configure(this.settings, tokens));
		const late = new AbortController();
		const waited = pause(this.#asked ? LATER_ANSWER_MS : FIRST_ANSWER_MS, undefined, { signal: late.signal }).catch(() => {});
		this.#asked = true;
		await Promise.race([answered, waited]);
		late.abort();
	}

	get knowsContext(): boolean {
		return this.#contextTokens !== undefined;
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
	get(folder: string | undefined, settings: Settings): Chat {
		const key = folder ?? "";
		const chat = this.#chats.get(key) ?? new Chat(settings);
		chat.configure(settings);
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
