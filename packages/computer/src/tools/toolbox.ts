import type { Computer } from "../computer.js";
import type { Progress } from "../driver.js";
import { TOOL_LIMITS } from "../limits.js";
import { prepare } from "./arguments.js";
import { Budget, type BudgetState } from "./budget.js";
import { callText } from "./call-text.js";
import { failed, failureOf, ToolFailure } from "./failure.js";
import { toolsOf } from "./table.js";
import type { Answer, Arguments, Profile, Settings, Tool, ToolDefinition, ToolResult } from "./tool.js";

export interface ToolboxOptions {
	/** Called by the first tool that needs the computer, and again after it failed or the computer was removed. */
	readonly open: (options: {
		readonly signal?: AbortSignal | undefined;
		readonly onProgress?: ((progress: Progress) => void) | undefined;
	}) => Promise<Computer>;
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
	/** Of output in one result. Default 32 KiB. */
	readonly maxOutputBytes?: number | undefined;
	/** The same in tokens. Default 8,000. */
	readonly maxOutputTokens?: number | undefined;
	/** Ask for a confirmation before what destroys the computer itself, and offer a checkpoint. Default true. */
	readonly strictSafety?: boolean | undefined;
	/** Folders of this host, with all below them, and files, that transfers may touch. The first folder is the default. Default: none. */
	readonly hostFolders?: readonly string[] | undefined;
	/** The shell that commands run in. Default "main". */
	readonly session?: string | undefined;
}

export interface CallOptions {
	readonly signal?: AbortSignal | undefined;
	/** One line for the user, while it goes on. */
	readonly onStatus?: ((text: string) => void) | undefined;
}

/** The tools of one chat or connection. Its budget and what it remembers of failures live here; the computer is shared. */
export class Toolbox {
	/** Of the profile, always in the same order. */
	readonly tools: readonly ToolDefinition[];
	readonly profile: Profile;
	readonly #tools: ReadonlyMap<string, Tool>;
	readonly #settings: Settings;
	readonly #open: ToolboxOptions["open"];
	readonly #budget: Budget;
	#computer: Promise<Computer> | undefined;

	constructor(options: ToolboxOptions) {
		this.#open = options.open;
		this.profile = options.profile ?? profileFor(options.contextTokens);
		const tools = toolsOf(this.profile);
		this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
		this.tools = tools.map(({ run, ...definition }) => definition);
		this.#budget = new Budget(options.callsPerTurn ?? TOOL_LIMITS.callsPerTurn);
		this.#settings = {
			session: options.session ?? TOOL_LIMITS.session,
			timeoutMs: options.timeoutMs ?? TOOL_LIMITS.timeoutMs,
			maxCallMs: options.maxCallMs ?? TOOL_LIMITS.maxCallMs,
			maxOutputBytes: options.maxOutputBytes ?? TOOL_LIMITS.maxOutputBytes,
			maxOutputTokens: options.maxOutputTokens ?? TOOL_LIMITS.maxOutputTokens,
			strictSafety: options.strictSafety ?? true,
			hostFolders: options.hostFolders ?? [],
		};
	}

	/** Undefined where there is none. */
	get budget(): BudgetState | undefined {
		return this.#budget.state;
	}

	/** The user has spoken: the budget starts anew. */
	newTurn(): void {
		this.#budget.newTurn();
	}

	/** The computer behind the tools; concurrent callers share one opening. */
	computer(options: CallOptions = {}): Promise<Computer> {
		this.#computer ??= this.#open({
			signal: options.signal,
			onProgress: (progress) => options.onStatus?.(progress.message),
		}).catch((error: unknown) => {
			this.#computer = undefined;
			throw error;
		});
		return this.#computer;
	}

	/** Runs a tool. Never throws: a failure is a result that says what to do. */
	async call(name: string, args: unknown, options: CallOptions = {}): Promise<ToolResult> {
		let repairs: readonly string[] = [];
		let answer: Answer;
		try {
			const tool = this.#find(name);
			const prepared = prepare(tool, args);
			repairs = prepared.repairs;
			answer = this.#budget.take(tool.cost) ? await this.#run(tool, prepared.args, options) : this.#spent();
		} catch (error) {
			answer = failed(failureOf(error), error instanceof ToolFailure ? error.details : "");
		}
		return this.#result(answer, repairs);
	}

	/** Ends the connection; the computer lives on. */
	async close(): Promise<void> {
		const opening = this.#computer;
		this.#computer = undefined;
		await (await opening?.catch(() => undefined))?.close();
	}

	#find(name: string): Tool {
		const tool = this.#tools.get(name);
		if (tool !== undefined) return tool;
		throw new ToolFailure({
			code: "not_found",
			message: `there is no tool ${JSON.stringify(String(name).slice(0, 60))}`,
			hint: `The tools are ${[...this.#tools.keys()].join(", ")}.`,
			next: "",
		});
	}

	#run(tool: Tool, args: Arguments, options: CallOptions): Promise<Answer> {
		return tool.run({
			args,
			computer: () => this.computer(options),
			signal: options.signal,
			status: (text) => options.onStatus?.(text),
			settings: this.#settings,
			say: callText,
		});
	}

	#spent(): Answer {
		return failed({
			code: "limit_reached",
			message: `all ${this.#budget.state?.perTurn} calls of this turn are used`,
			hint: "Answer the user now: say what is done and what is left. The next message of the user brings new calls.",
			next: "",
		});
	}

	#result(answer: Answer, repairs: readonly string[]): ToolResult {
		const budget = this.#budget.state;
		const notes = repairs.map((repair) => `note: ${repair}`);
		const foot = budget === undefined ? [] : [`[calls of this turn: ${budget.used} used, ${budget.remaining} left]`];
		return {
			text: [...notes, answer.text, ...foot].join("\n"),
			structured: { ...answer.structured, ...(repairs.length > 0 && { repairs }), ...(budget !== undefined && { budget }) },
			isError: answer.isError ?? false,
			...(answer.links !== undefined && { links: answer.links }),
		};
	}
}

function profileFor(contextTokens: number | undefined): Profile {
	if (contextTokens === undefined || contextTokens > TOOL_LIMITS.standardContextTokens) return "full";
	return contextTokens > TOOL_LIMITS.compactContextTokens ? "standard" : "compact";
}
