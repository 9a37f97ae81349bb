/** Short ways to write the table of tools. */
import type { Hints, ObjectSchema, Profile, Schema, Tool } from "./tool.js";

export const STANDARD: readonly Profile[] = ["standard", "full"];
export const FULL: readonly Profile[] = ["full"];
export const COMPACT: readonly Profile[] = ["compact"];
export const EVERYWHERE: readonly Profile[] = ["compact", "standard", "full"];

/** A name that ends in `?` is optional. */
export function parameters(properties: Readonly<Record<string, Schema>>): ObjectSchema {
	const entries = Object.entries(properties).map(([name, schema]) => [name.replace("?", ""), schema] as const);
	const required = Object.keys(properties).filter((name) => !name.endsWith("?"));
	return { type: "object", properties: Object.fromEntries(entries), ...(required.length > 0 && { required }) };
}

export const text = (description?: string): Schema => ({ type: "string", ...(description !== undefined && { description }) });
export const whole = (description?: string): Schema => ({ type: "integer", ...(description !== undefined && { description }) });
export const list = (items: Schema): Schema => ({ type: "array", items });
export const flag = (description?: string): Schema => ({ type: "boolean", ...(description !== undefined && { description }) });

const READ: Hints = { readOnly: true, destructive: false, idempotent: true, openWorld: false };
const CHANGE: Hints = { readOnly: false, destructive: false, idempotent: false, openWorld: false };
const REPLACE: Hints = { readOnly: false, destructive: true, idempotent: true, openWorld: false };
const RUN: Hints = { readOnly: false, destructive: true, idempotent: false, openWorld: true };
export const HINTS = { READ, CHANGE, REPLACE, RUN } as const;

/** Every result may carry these, so no tool lists them. */
const COMMON: Readonly<Record<string, Schema>> = {
	budget: parameters({ used: whole(), remaining: whole(), perTurn: whole() }),
	error: parameters({ code: text(), message: text(), hint: text(), next: text() }),
	repairs: { type: "array", items: text() },
};

export interface ToolSource extends Omit<Tool, "output" | "cost" | "otherWay"> {
	/** Properties of the structured result beside those that every result has. */
	readonly output: Readonly<Record<string, Schema>>;
	readonly cost?: 0 | 1;
	readonly otherWay?: string;
}

const OTHER_WAY = "Do not repeat this call. Look at what is there, or reach the same by a command.";

export function tool(source: ToolSource): Tool {
	const output: ObjectSchema = { type: "object", properties: { ...source.output, ...COMMON } };
	return { cost: 1, otherWay: OTHER_WAY, ...source, output };
}
