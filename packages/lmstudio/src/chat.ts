/** The chats that this process serves. All that counts is in their computers: a process that is started anew finds it there. */
import { mkdir } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { type Computer, Toolbox, type ToolResult } from "./library.js";
import { openAsAsked, pending } from "./open.js";
import { heldPorts } from "./ports.js";
import { tellProgress } from "./progress.js";
import type { Settings } from "./settings.js";

/** Chats that are remembered. An older one loses its count of calls and its connection, nothing else. */
const MAX_CHATS = 16;

/** For an answer about the chat's model: the first one decides how many tools it gets. */
const FIRST_ANSWER_MS = 3_000;
const LATER_ANSWER_MS = 500;

/** Of output as it usually is. */
const BYTES_PER_TOKEN = 4;
const MIN_OUTPUT_TOKENS = 500;

/** Of a model that nobody knows: all tools. */
const LARGE_CONTEXT = 32_768;

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
	readonly #running = new Set<Promise<unknown>>();
	readonly #retired: Toolbox[] = [];
	#failures: readonly string[] = [];
	#told = 0;

	constructor(settings: Settings) {
		this.settings = settings;
		this.#toolbox = this.#makeToolbox();
	}

	/** Applied by the next call; what runs goes on in the computer as it was. */
	configure(settings: Settings, contextTokens = this.#contextTokens): void {
		const same = JSON.stringify(settings) === JSON.stringify(this.settings) && contextTokens === this.#contextTokens;
		if (same) return;
		this.settings = settings;
		this.#contextTokens = contextTokens;
		this.#renew();
	}

	#renew(): void {
		this.#retired.push(this.#toolbox);
		this.#computer = undefined;
		this.#toolbox = this.#makeToolbox();
	}

	/** When the new one holds the computer, and what the old ones run has ended: an ephemeral computer that nobody holds is gone. */
	async #dismissRetired(): Promise<void> {
		const retired = this.#retired.splice(0);
		await Promise.allSettled(this.#running);
		await Promise.allSettled(retired.map((toolbox) => toolbox.close()));
	}

	/** How much the chat's model holds. What is answered late counts later. */
	async learnContext(ask: () => Promise<number | undefined>): Promise<void> {
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

	/** The user has spoken. Settings that could not be applied yet are tried again. */
	newTurn(): void {
		if (this.#computer !== undefined && pending(this.#computer).length > 0) this.#renew();
		this.#toolbox.newTurn();
	}

	/** Opened if it was not yet, and open until `use` has ended: settings that change meanwhile count for what comes after it. */
	async withComputer<T>(options: CallOptions, use: (open: () => Promise<Computer>) => Promise<T>): Promise<T> {
		const toolbox = this.#toolbox;
		return await this.#during(use(() => toolbox.computer(options)));
	}

	/** What runs keeps the computer that it began with. */
	async #during<T>(work: Promise<T>): Promise<T> {
		this.#running.add(work);
		try {
			return await work;
		} finally {
			this.#running.delete(work);
		}
	}

	/** The shell that its commands run in. */
	get session(): string {
		return this.settings.tools.session ?? "main";
	}

	/** Only if a call has opened it. */
	get computer(): Computer | undefined {
		return this.#computer;
	}

	async call(name: string, args: Readonly<Record<string, unknown>>, options: CallOptions): Promise<ToolResult> {
		const call = this.#during(this.#toolbox.call(name, args, options));
		const told = tellProgress({ tool: name, args, session: this.session, computer: () => this.#computer, onStatus: options.onStatus });
		try {
			return await call;
		} finally {
			told();
			for (const failure of this.#failures) options.onNotice?.(failure);
			this.#failures = [];
			for (const notice of this.#computer?.news.since(this.#told) ?? []) options.onNotice?.(notice);
			this.#told = this.#computer?.news.count ?? 0;
		}
	}

	/** Lets go of its computer when what runs has ended; a later call finds it again. */
	retire(): void {
		this.#renew();
		void this.#dismissRetired();
	}

	/** The same at once. */
	async close(): Promise<void> {
		this.#renew();
		await Promise.allSettled(this.#retired.splice(0).map((toolbox) => toolbox.close()));
	}

	#makeToolbox(): Toolbox {
		const { computer, tools, chatFolder, heldPorts: ports } = this.settings;
		// The toolbox gives a result a quarter of the context at most.
		const maxOutputTokens = Math.max(MIN_OUTPUT_TOKENS, Math.ceil(tools.maxOutputBytes / BYTES_PER_TOKEN));
		const toolbox: Toolbox = new Toolbox({
			...tools,
			contextTokens: this.#contextTokens ?? Math.max(LARGE_CONTEXT, 4 * maxOutputTokens),
			maxOutputTokens,
			open: async (options) => {
				// LM Studio names a chat's folder before there is one.
				if (chatFolder !== undefined) await mkdir(chatFolder, { recursive: true }).catch(() => {});
				await heldPorts.letGo(computer.name, ports);
				const opened = await openAsAsked({ ...computer, ...options });
				// What was learned meanwhile made another toolbox, whose own opening lets go of this one. Who waits for this one has its computer until then.
				if (this.#toolbox !== toolbox) return opened;
				this.#told = 0;
				this.#computer = opened;
				void this.#dismissRetired();
				this.#failures = await heldPorts.hold({ ...computer, ...options }, ports);
				return opened;
			},
		});
		return toolbox;
	}
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
			this.#chats.get(oldest)?.retire();
			this.#chats.delete(oldest);
		}
		return chat;
	}

	async close(): Promise<void> {
		await Promise.allSettled([heldPorts.close(), ...[...this.#chats.values()].map((chat) => chat.close())]);
	}
}
