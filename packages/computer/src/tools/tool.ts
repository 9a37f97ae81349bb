/** What a tool for a model is: plain data and one function. Types only; every door is made from these. */
import type { Computer } from "../computer.js";
import type { Memory } from "./memory.js";

/** Compact has at most 8 tools, for a small context; full has all of them. */
export const PROFILES = ["compact", "standard", "full"] as const;
export type Profile = (typeof PROFILES)[number];

/** JSON Schema, the part of it that every door understands: no references, no unions at the root. */
export interface Schema {
	readonly type: "object" | "array" | "string" | "integer" | "number" | "boolean";
	readonly description?: string;
	readonly properties?: Readonly<Record<string, Schema>>;
	readonly required?: readonly string[];
	readonly items?: Schema;
	readonly enum?: readonly string[];
	readonly minimum?: number;
	readonly maximum?: number;
	readonly minItems?: number;
	readonly maxItems?: number;
}

/** Of the arguments, and of the structured result. */
export interface ObjectSchema extends Schema {
	readonly type: "object";
	readonly properties: Readonly<Record<string, Schema>>;
}

/** What a client may tell its user before a call. */
export interface Hints {
	readonly readOnly: boolean;
	/** It can overwrite or delete what is there. */
	readonly destructive: boolean;
	/** A second call with the same arguments changes nothing more. */
	readonly idempotent: boolean;
	/** It can reach what is outside of the computer. */
	readonly openWorld: boolean;
}

/** What a door tells its model. */
export interface ToolDefinition {
	readonly name: string;
	/** For people. */
	readonly title: string;
	readonly description: string;
	readonly input: ObjectSchema;
	readonly output: ObjectSchema;
	readonly hints: Hints;
	/** Of the calls of a turn. */
	readonly cost: 0 | 1;
	readonly profiles: readonly Profile[];
}

export interface Tool extends ToolDefinition {
	/** Where not every call costs the same. */
	readonly costOf?: (args: Arguments) => 0 | 1;
	/** Where some calls change nothing, though others do. */
	readonly readsOnly?: (args: Arguments) => boolean;
	/** Told when the same call fails a second time. */
	readonly otherWay: string;
	/** May throw: the toolbox makes an answer of it. */
	run(call: ToolCall): Promise<Answer>;
}

export type Arguments = Readonly<Record<string, unknown>>;

/** One call, its arguments repaired and checked against the tool's schema. */
export interface ToolCall {
	readonly args: Arguments;
	/** Opened by the first call that needs it. */
	computer(): Promise<Computer>;
	readonly signal: AbortSignal | undefined;
	/** Of the time that the call may take: some of it may have gone into opening the computer. */
	leftMs(): number;
	/** For what may take longer than a call: it goes on past the call's time, and the same call made again has its answer. Once in a call. */
	lasting<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
	/** Told to the user while it goes on. */
	status(text: string): void;
	readonly settings: Settings;
	readonly memory: Memory;
	/** A call to make next, as text, in the words of this profile or door: `Wait(job: "3")`. Empty where it has no such tool. */
	say(name: string, args?: Arguments): string;
}

/** What is otherwise at a door whose model knows tools of its own, not those of the toolbox. */
export interface Door {
	/** A call as text, in words of the door; empty where it has none like it. */
	say(name: string, args?: Arguments): string;
	/** Levels of a folder that are listed. */
	readonly folderDepth: number;
}

/** Bounds of every call of a toolbox. */
export interface Settings {
	/** The shell that commands run in. */
	readonly session: string;
	/** A command's own limit, until it goes on as a job. */
	readonly timeoutMs: number;
	/** No call takes longer: clients give up at about 60 s. */
	readonly maxCallMs: number;
	/** Of output in one result. */
	readonly maxOutputBytes: number;
	/** The same in tokens, as far as they can be told from the text. */
	readonly maxOutputTokens: number;
	/** Levels of a folder that are listed, unless it is all of them. */
	readonly folderDepth: number;
	readonly strictSafety: boolean;
	/** Absolute paths of the host that transfers may touch; a folder with all below it, or a file. */
	readonly hostFolders: readonly string[];
}

/** What a tool answers. */
export interface Answer {
	readonly text: string;
	readonly structured?: Readonly<Record<string, unknown>>;
	readonly isError?: boolean;
	/** A command failed, which is a result; it counts as a failure when it is repeated. */
	readonly failed?: boolean;
	readonly links?: readonly Link[];
}

/** Something larger that stands behind a result. */
export interface Link {
	/** `computer://file/home/user/a.txt`, `computer://job/3/stdout` */
	readonly uri: string;
	readonly name: string;
	readonly mimeType?: string;
}

/** What a model and a program get. Always both: the text says all that a model needs. */
export interface ToolResult {
	readonly text: string;
	/** With `budget` where there is one, and `error` when it is one. */
	readonly structured: Readonly<Record<string, unknown>>;
	readonly isError: boolean;
	readonly links?: readonly Link[];
}
