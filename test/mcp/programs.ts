/** Programs of others that try the server. They are installed apart (see programs/package.json) and need a newer Node than the project does. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fromRoot } from "../support/repository.js";

const installed = (path: string) => fromRoot("test/mcp/programs/node_modules", path);

const OWN_NODE = installed(`node-${process.platform}-${process.arch}/bin/node`);
const NODE = Number(process.versions.node.split(".")[0]) >= 22 ? process.execPath : OWN_NODE;

export const CONFORMANCE = installed("@modelcontextprotocol/conformance/dist/index.js");
export const CONFORMANCE_NEXT = installed("conformance-next/dist/index.js");
export const INSPECTOR = installed("@modelcontextprotocol/inspector/clients/launcher/build/index.js");

/** Why they cannot run here; undefined: they can. */
export const NO_PROGRAMS = [CONFORMANCE, CONFORMANCE_NEXT, INSPECTOR, NODE].every((file) => existsSync(file))
	? undefined
	: "not installed: npm run test-programs";

export interface Output {
	readonly status: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs one to its end, whatever that is. */
export function runProgram(file: string, argv: readonly string[]): Promise<Output> {
	return new Promise((resolve) => {
		execFile(NODE, [file, ...argv], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
			resolve({ status: error === null ? 0 : typeof error.code === "number" ? error.code : 1, stdout, stderr });
		});
	});
}
