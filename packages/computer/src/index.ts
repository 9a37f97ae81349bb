/** The public surface. Every name here is a promise; the rest of the package is not reachable. */
export type { CommandState } from "./agent/commands.js";
export type { ExecOptions, SpawnOptions } from "./agent/exec-options.js";
export type { ExecResult } from "./agent/exec-result.js";
export type { Execution } from "./agent/execution.js";
export type { FileEntry } from "./agent/file-entry.js";
export type { ComputerInfo } from "./agent/info.js";
export type { Terminal } from "./agent/terminals.js";
export type { OutputChunk } from "./agent/text.js";
export { Computer } from "./computer.js";
export { type DriverReport, diagnose, listComputers } from "./doctor.js";
export type { Availability, Capabilities, Checkpoint, DriverName, MachineInfo, Progress } from "./driver.js";
export { ComputerError, type ErrorCode, isComputerError } from "./errors/index.js";
export { findComputer, openComputer } from "./open.js";
export type { OpenOptions } from "./options.js";
