/** `lms-computer/tools`: the tools for models, as data, and the toolbox that runs them. */

export type { BudgetState } from "./budget.js";
export type { Failure } from "./failure.js";
export { TOOLS, toolsOf } from "./table.js";
export type { Answer, Door, Hints, Link, ObjectSchema, Profile, Schema, ToolDefinition, ToolResult } from "./tool.js";
export { PROFILES } from "./tool.js";
export { type CallOptions, Toolbox, type ToolboxOptions } from "./toolbox.js";
