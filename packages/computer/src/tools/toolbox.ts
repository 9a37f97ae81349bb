import { createHash } from "node:crypto";
import type { Computer } from "../computer.js";
import { ComputerError, isComputerError } from "../errors/index.js";
import { expectOneOf, expectWhole, refuse } from "../expect.js";
import { TOOL_BOUNDS, TOOL_LIMITS } from "../limits.js";
import { prepare } from "./arguments.js";
import { briefly } from "./brief.js";
import { Budget, type BudgetState } from "./budget.js";
import { showLine } from "./clean.js";
import { type Failure, failed, failureOf, notOpened, ToolFailure } from "./failure.js";
import { callOf } from "./groups.js";
import { LATE, Lasting } from "./lasting.js";
import { Memory } from "./memory.js";
import { type Open, Opening } from "./opening.js";
import { respelled } from "./spelling.js";
import { toolNamed, toolsOf } from "./table.js";
import {
	type Answer,
	type Arguments,
	type Door,
	PROFILES,
	type Profile,
	type Settings,
	type Tool,
	type ToolCall,
	type ToolDefinition,
	type ToolResult,
} from "./tool.js";
import { unless } from "./unless.js";

export interface ToolboxOptions {
	/** Called by the first tool that needs the computer, and again after it failed. */
	readonly open: Open;
	/** Default "full", or what fits into `contextTokens`. */
	readonly profile?: Profile | undefined;
	/** The model's context, where the door knows it. */
	readonly contextTokens?: number | undefined;
	/** 1 to 1,000, default 25. 0: no budget, and no word of one. */
	readonly callsPerTurn?: number | undefined;
	/** A command's limit unless the model gives one, until it goes on as a job. Default 30,000. */
	readonly timeoutMs?: number | undefined;
	/** No call takes longer. Default 45,000: clients give up at about 60 s. */
	readonly maxCallMs?: number | undefined;
	/** Of output in one result. 1 to 128 KiB, default 32. */
	readonly maxOutputBytes?: number | undefined;
	/** The same in tokens. Default 8,000, and a quarter of `contextTokens` at most. */
	readonly maxOutputTokens?: number | undefined;
	/** Ask for a confirmation before what destroys the computer itself, and save a checkpoint before what deletes all files. Default true. */
	readonly strictSafety?: boolean | undefined;
	/** Absolute paths of this host that transfers may touch: folders with all below them, and files. The first is where relative ones begin. Default: none. */
	readonly hostFolders?: readonly string[] | undefined;
	/** The shell that commands run in. Default "main". */
	readonly session?: string | undefined;
}

export interface CallOptions {
	readonly signal?: AbortSignal | undefined;
	/** One line for the user, while it goes on. */
	readonly onStatus?: ((text: string) => void) | undefined;
	/** Where the model has other tools than these. */
	readonly door?: Door | undefined;
}

/** The tools of one chat or connection. Its budget and what it remembers of failures live here; the computer is shared. */
export class Toolbox {
	/** Of the profile, always in the same order. */
	readonly tools: readonly ToolDefinition[];
	readonly profile: Profile;
	readonly #tools: ReadonlyMap<string, Tool>;
	readonly #settings: Settings;
	readonly #budget: Budget;
	readonly #memory = new Memory();
	readonly #opening: Opening;
	readonly #lasting = new Lasting();

	constructor(options: ToolboxOptions) {
		this.profile = options.profile === undefined ? profileFor(options.contextTokens) : expectOneOf("profile", options.profile, PROFILES);
		const tools = toolsOf(this.profile);
		this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
		this.tools = tools.map(({ run, otherWay, costOf, readsOnly, ...definition }) => definition);
		this.#budget = new Budget(bounded("callsPerTurn", options.callsPerTurn));
		this.#settings = settingsOf(options);
		this.#opening = new Opening(options.open);
	}

	/** Undefined where there is none. */
	get budget(): BudgetState | undefined {
		return this.#budget.state;
	}

	/** The user has spoken: the budget starts anew, and what failed before may well be right now. */
	newTurn(): void {
		this.#budget.newTurn();
		this.#forgetPast();
	}

	#forgetPast(): void {
		this.#memory.failures.clear();
		this.#lasting.forgetEnded();
	}

	/** The computer behind the tools; concurrent callers share one opening, which goes on when `signal` has ended the wait for it. */
	async computer(options: CallOptions = {}): Promise<Computer> {
		return await unless(options.signal, canceled, () => this.#opening.get(teller(options)));
	}

	/** Runs a tool. Never throws: a failure is a result that says what to do. */
	async call(name: string, args: unknown, options: CallOptions = {}): Promise<ToolResult> {
		const notes: string[] = [];
		const say = this.#sayAt(options.door);
		let tool: Tool | undefined;
		let given: Arguments | undefined;
		let answer: Answer;
		try {
			tool = this.#find(String(name), notes, say);
			const prepared = prepare(tool, args);
			given = prepared.args;
			notes.push(...prepared.repairs);
			const cost = tool.costOf?.(given) ?? tool.cost;
			answer = this.#budget.take(cost) ? await this.#bounded(tool, given, options) : this.#spent();
		} catch (error) {
			const failure = failureOf(error, tool, given ?? {}, say);
			// One that is not understood counts, too: nothing else ends a model that repeats it.
			const counted = given !== undefined || this.#budget.take(tool?.cost ?? 1);
			answer = counted ? failed(failure, error instanceof ToolFailure ? error.details : "") : this.#spent();
		}
		const readOnly = tool !== undefined && (tool.hints.readOnly || tool.readsOnly?.(given ?? {}) === true);
		return this.#result(answer, notes, this.#again(tool, given ?? args, readOnly, answer), await this.#opening.news());
	}

	/** The answer to a call that a door with tools of its own does not understand: it counts as one. */
	async refuse(failure: Failure): Promise<ToolResult> {
		return this.#result(this.#budget.take(1) ? failed(failure) : this.#spent(), [], "", await this.#opening.news());
	}

	/** Ends the connection; the computer lives on. */
	async close(): Promise<void> {
		this.#memory.forgetMachine();
		this.#lasting.close();
		await this.#opening.close();
	}

	#sayAt(door: Door | undefined): ToolCall["say"] {
		return door?.say ?? ((name, args) => callOf(this.#tools, name, args));
	}

	#find(name: string, notes: string[], say: ToolCall["say"]): Tool {
		const tool = toolNamed(name);
		if (tool === undefined) {
			throw new ToolFailure({
				code: "not_found",
				message: `there is no tool ${JSON.stringify(name.slice(0, 60))}`,
				hint: `The tools are ${[...this.#tools.keys()].join(", ")}.`,
				next: say("Execute", { command: "…" }),
			});
		}
		if (tool.name !== name) notes.push(`\`${name.slice(0, 60)}\` was read as ${tool.name}`);
		return tool;
	}

	/** No longer than a call may take: what is not done by then is aborted, but for the opening of the computer. */
	async #bounded(tool: Tool, args: Arguments, options: CallOptions): Promise<Answer> {
		// Not AbortSignal.any: in Node 20 it keeps what it made for as long as a source lives, and a chat's signal lives long.
		const stop = new AbortController();
		const timer = setTimeout(() => stop.abort(LATE), this.#settings.maxCallMs + TOOL_LIMITS.callGraceMs);
		const cancel = () => stop.abort();
		let lasts = false;
		const lasting: ToolCall["lasting"] = async (work) => {
			lasts = true;
			const done = await this.#lasting.run(keyOf(tool, args), stop.signal, canceled, work);
			lasts = false;
			return done;
		};
		options.signal?.addEventListener("abort", cancel, { once: true });
		if (options.signal?.aborted) cancel();
		const refusal = () => (stop.signal.reason === LATE ? this.#late(tool, args, lasts, this.#sayAt(options.door)) : canceled());
		try {
			return await unless(stop.signal, refusal, () => this.#run(tool, args, lasting, { ...options, signal: stop.signal }));
		} finally {
			clearTimeout(timer);
			options.signal?.removeEventListener("abort", cancel);
		}
	}

	async #run(tool: Tool, args: Arguments, lasting: ToolCall["lasting"], options: CallOptions): Promise<Answer> {
		const status = teller(options);
		const endsAt = performance.now() + this.#settings.maxCallMs;
		const call: ToolCall = {
			args,
			computer: () => this.#opening.get(status).catch(notOpened),
			signal: options.signal,
			leftMs: () => Math.max(1, Math.round(endsAt - performance.now())),
			lasting,
			status,
			settings: { ...this.#settings, ...(options.door !== undefined && { folderDepth: options.door.folderDepth }) },
			memory: this.#memory,
			say: this.#sayAt(options.door),
		};
		try {
			return await tool.run(call);
		} catch (error) {
			const other = isComputerError(error, "not_found") ? await respelled(call).catch(() => undefined) : undefined;
			if (other === undefined) throw error;
			const answer = await tool.run({ ...call, args: other.args });
			return { ...answer, text: `note: ${other.note}\n${answer.text}` };
		}
	}

	#late(tool: Tool, args: Arguments, lasts: boolean, say: ToolCall["say"]): ToolFailure {
		const { step } = this.#opening;
		const took = `${tool.name} ${lasts ? "takes longer than a call may take" : "took longer than a call may take, and was stopped"}`;
		const goesOn = lasts || step !== "";
		return new ToolFailure({
			code: "timeout",
			message: step === "" ? took : `the computer is not ready yet: ${step}`,
			hint: goesOn ? "It goes on. Call again in a moment." : "Do it in smaller parts, or as a job.",
			next: !goesOn ? "" : say(tool.name, briefly(args)),
		});
	}

	#spent(): Answer {
		return failed({
			code: "limit_reached",
			message: `all ${this.#budget.state?.perTurn} calls of this turn are used`,
			hint: "Answer the user now: say what is done and what is left. Their next message brings new calls.",
			next: "",
		});
	}

	/** Another way, when the same call has failed before. */
	#again(tool: Tool | undefined, args: unknown, readOnly: boolean, answer: Answer): string {
		if (tool === undefined) return "";
		const key = keyOf(tool, args);
		if (!answer.isError && !answer.failed) {
			// What has changed something may have mended what failed: a test that is run again after an edit is no repetition.
			if (readOnly) this.#memory.failures.delete(key);
			else this.#forgetPast();
			return "";
		}
		const before = this.#memory.failures.get(key) ?? 0;
		this.#memory.failures.set(key, before + 1);
		return before === 0 ? "" : `this same call has failed ${before === 1 ? "before" : `${before} times before`}. ${tool.otherWay}`;
	}

	#result(answer: Answer, repairs: readonly string[], again: string, news: readonly string[]): ToolResult {
		const budget = this.#budget.state;
		const lines = [...news.map((text) => `notice: ${showLine(text)}`), ...repairs.map((text) => `note: ${text}`)];
		lines.push(answer.text);
		if (again !== "") lines.push(`another way: ${again}`);
		if (budget !== undefined) lines.push(`[calls this turn: ${budget.used} used, ${budget.remaining} left of ${budget.perTurn}]`);
		return {
			text: lines.join("\n"),
			structured: {
				...answer.structured,
				...(repairs.length > 0 && { repairs }),
				...(news.length > 0 && { news }),
				...(again !== "" && { otherWay: again }),
				...(budget !== undefined && { budget }),
			},
			isError: answer.isError ?? false,
			...(answer.links !== undefined && { links: answer.links }),
		};
	}
}

/** A hash, since a file's content may be in it. */
function keyOf({ name }: Tool, args: unknown): string {
	let json: string | undefined;
	try {
		json = JSON.stringify(args);
	} catch {} // a program's call, of what no model can write
	return createHash("sha256").update(`${name} ${json}`).digest("base64");
}

function canceled(): ComputerError {
	return new ComputerError("canceled", "the call was canceled");
}

/** Nobody is told of a call that is over, whatever of it goes on: an opening that others wait for, say. */
function teller({ onStatus, signal }: CallOptions): (text: string) => void {
	return (text) => {
		if (!signal?.aborted) onStatus?.(text);
	};
}

function settingsOf(options: ToolboxOptions): Settings {
	const { strictSafety = true, hostFolders = [], session = TOOL_LIMITS.session, contextTokens } = options;
	if (!Array.isArray(hostFolders)) refuse("hostFolders", "a list of absolute paths", hostFolders);
	const share = contextTokens === undefined ? TOOL_LIMITS.maxOutputTokens : Math.max(TOOL_BOUNDS.maxOutputTokens.min, contextTokens >> 2);
	return {
		session,
		timeoutMs: bounded("timeoutMs", options.timeoutMs),
		maxCallMs: bounded("maxCallMs", options.maxCallMs),
		maxOutputBytes: bounded("maxOutputBytes", options.maxOutputBytes),
		maxOutputTokens: Math.min(bounded("maxOutputTokens", options.maxOutputTokens), share),
		folderDepth: 1,
		strictSafety,
		hostFolders,
	};
}

function bounded(name: keyof typeof TOOL_BOUNDS, value: number | undefined): number {
	const { min, max } = TOOL_BOUNDS[name];
	return value === undefined ? TOOL_LIMITS[name] : expectWhole(name, value, min, max);
}

function profileFor(contextTokens: number | undefined): Profile {
	if (contextTokens === undefined || contextTokens > TOOL_LIMITS.standardContextTokens) return "full";
	return contextTokens > TOOL_LIMITS.compactContextTokens ? "standard" : "compact";
}
