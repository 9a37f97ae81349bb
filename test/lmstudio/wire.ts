import { readFileSync } from "node:fs";
import { createRequire, Module } from "node:module";
import { expect } from "vitest";
import { fromRoot } from "../support/repository.js";

/** A schema of zod, as far as it is used here. */
interface Schema {
	safeParse(value: unknown): { readonly success: boolean; readonly data?: unknown; readonly error?: { readonly message: string } };
}

interface Rpc {
	readonly parameter: Schema;
	readonly returns: Schema;
}

interface Channel {
	readonly creationParameter: Schema;
	readonly toServerPacket: Schema;
	readonly toClientPacket: Schema;
}

interface Wire {
	readonly authentication: Schema;
	readonly fromClient: Schema;
	readonly toClient: Schema;
	readonly places: Readonly<
		Record<string, { getRpcEndpoint(name: string): Rpc | undefined; getChannelEndpoint(name: string): Channel | undefined }>
	>;
}

/** What goes over the wire, in the SDK's own words: its schemas are not exported, so they are read out of its file. */
export const WIRE: Wire = readWire();

function readWire(): Wire {
	const path = createRequire(fromRoot("packages/lmstudio/package.json")).resolve("@lmstudio/sdk");
	const more = `
module.exports.wire = {
	authentication: zod.z.object({ authVersion: zod.z.literal(1), clientIdentifier: zod.z.string(), clientPasskey: zod.z.string() }),
	fromClient: clientToServerMessageSchema,
	toClient: serverToClientMessageSchema,
	places: {
		"/plugins": createPluginsBackendInterface(),
		"/files": createFilesBackendInterface(),
		"/llm": createLlmBackendInterface(),
		"/system": createSystemBackendInterface(),
	},
};`;
	const module = new Module(path) as Module & { _compile(source: string, path: string): void };
	module.paths = createRequire(path).resolve.paths("zod") ?? [];
	module._compile(readFileSync(path, "utf8") + more, path);
	return (module.exports as { wire: Wire }).wire;
}

/** The value, if it is exactly what the schema says: nothing missing, nothing wrong and nothing more. */
export function exactly(schema: Schema, value: unknown, what: string): unknown {
	const parsed = schema.safeParse(value);
	if (!parsed.success) throw new Error(`${what}: ${parsed.error?.message}: ${JSON.stringify(value)?.slice(0, 500)}`);
	expect(JSON.parse(JSON.stringify(parsed.data ?? null)), what).toEqual(value ?? null);
	return value;
}
