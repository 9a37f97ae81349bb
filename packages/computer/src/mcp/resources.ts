/** Files and job logs as resources. Listing starts nothing: what is listed is of a computer that a call has opened. */
import {
	type ListResourcesResult,
	ProtocolError,
	ProtocolErrorCode,
	type ReadResourceResult,
	ResourceNotFoundError,
	type ServerContext,
} from "@modelcontextprotocol/server";
import { ComputerError, isComputerError } from "../errors/index.js";
import type { Computer } from "../index.js";
import { GUEST_HOME, SERVING } from "../limits.js";
import { type FileUri, fileUri, type JobUri, jobUri, parseUri, STREAMS } from "../tools/uris.js";
import type { Desk } from "./desk.js";
import { mediaType } from "./media-type.js";

export const TEMPLATES = [
	{
		uriTemplate: "computer://file/{+path}",
		name: "file",
		title: "A file of the computer",
		description: "By its absolute path without the first slash, such as home/user/notes.txt.",
	},
	{
		uriTemplate: "computer://job/{id}/{stream}",
		name: "job-log",
		title: "What a job has written",
		description: "The id is in the result that made it a job; stream is stdout or stderr.",
		mimeType: "text/plain",
	},
] as const;

type Resource = ListResourcesResult["resources"][number];

export async function listResources({ opened: computer }: Desk, { mcpReq: { signal } }: ServerContext): Promise<ListResourcesResult> {
	if (computer === undefined) return { resources: [] };
	try {
		const [files, jobs] = await Promise.all([homeFiles(computer, signal), logs(computer, signal)]);
		return { resources: [...files, ...jobs] };
	} catch (error) {
		throw wireError(error);
	}
}

async function homeFiles(computer: Computer, signal: AbortSignal): Promise<Resource[]> {
	const { entries } = await computer.files.list(GUEST_HOME, { signal });
	return entries
		.filter(({ name, nameBytes, type }) => type === "file" && !name.startsWith(".") && nameBytes === undefined)
		.slice(0, SERVING.listed)
		.map(({ name, path, size }) => ({ uri: fileUri(path), name, size, ...typed(mediaType(name)) }));
}

/** The latest first. */
async function logs(computer: Computer, signal: AbortSignal): Promise<Resource[]> {
	const jobs = (await computer.commands.list({ signal })).toReversed().slice(0, SERVING.listed / STREAMS.length);
	return jobs.flatMap((job) =>
		STREAMS.flatMap((stream) => {
			const size = stream === "stdout" ? job.stdoutBytes : job.stderrBytes;
			const title = `${job.command.slice(0, 60).replace(/\s+/g, " ")} (${stream})`;
			return size === 0 ? [] : [{ uri: jobUri(job.id, stream), name: `job-${job.id}-${stream}`, title, size, mimeType: "text/plain" }];
		}),
	);
}

export async function readResource(desk: Desk, uri: string, context: ServerContext): Promise<ReadResourceResult> {
	const named = parseUri(uri);
	if (named === undefined) throw new ResourceNotFoundError(uri, `Resource not found: expected computer://file/… or computer://job/…`);
	const { signal } = context.mcpReq;
	try {
		const computer = await desk.computer();
		const content = named.kind === "file" ? await fileContent(computer, named, signal) : await logContent(computer, named, signal);
		return { contents: [{ uri, ...content }] };
	} catch (error) {
		if (isComputerError(error, "not_found") || isComputerError(error, "not_a_directory")) throw new ResourceNotFoundError(uri);
		throw wireError(error);
	}
}

type Content = { readonly mimeType: string } & ({ readonly text: string } | { readonly blob: string });

async function fileContent(computer: Computer, { path }: FileUri, signal: AbortSignal): Promise<Content> {
	const bytes = await computer.files.read(path, { length: SERVING.resourceBytes + 1, signal });
	if (bytes.length > SERVING.resourceBytes) {
		throw new ComputerError("too_large", `${path} has more than ${SERVING.resourceBytes} bytes`, {
			hint: "Read a part of it with the tool ReadFile.",
		});
	}
	const type = mediaType(path);
	const text = asText(bytes);
	if (text !== undefined && (type === "image/svg+xml" || !type?.startsWith("image/"))) return { mimeType: type ?? "text/plain", text };
	return { mimeType: type ?? "application/octet-stream", blob: bytes.toString("base64") };
}

/** Of a long one the end: that is where it says what went wrong. */
async function logContent(computer: Computer, { id, stream }: JobUri, signal: AbortSignal): Promise<Content> {
	const job = await computer.commands.get(id, { signal });
	const total = stream === "stdout" ? job.stdoutBytes : job.stderrBytes;
	const offset = Math.max(0, total - SERVING.resourceBytes);
	const { bytes } = await computer.commands.output(id, { stream, offset, length: SERVING.resourceBytes, signal });
	const notice = offset === 0 ? "" : `[the first ${offset} bytes are left out]\n`;
	return { mimeType: "text/plain", text: notice + bytes.toString("utf8") };
}

/** Undefined when it is none. */
function asText(bytes: Buffer): string | undefined {
	if (bytes.includes(0)) return undefined;
	try {
		return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		return undefined;
	}
}

function typed(mimeType: string | undefined): { mimeType?: string } {
	return mimeType === undefined ? {} : { mimeType };
}

function wireError(error: unknown): ProtocolError {
	const { message, hint = "" } = error instanceof ComputerError ? error : { message: String(error) };
	const code = isComputerError(error, "invalid_argument") ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError;
	return new ProtocolError(code, hint === "" ? message : `${message}. ${hint}`);
}
