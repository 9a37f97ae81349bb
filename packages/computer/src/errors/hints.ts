import type { ErrorCode } from "./codes.js";

const HINTS: Partial<Record<ErrorCode, string>> = {
	driver_unavailable: "Run `lms-computer doctor` to see every driver and what it lacks.",
	machine_gone: "Open the computer again; it is made anew if it was removed.",
	connection_lost: "Call again; the connection is made anew and the computer's shells and files are still there.",
	disk_full: "Free some space, then try again.",
	limit_reached: "Wait for something to finish, then try again.",
	protocol_error:
		"What answers inside the machine is not our agent, or another version of it. On namespaces a restart brings this one's; an engine's container keeps its own: make it anew.",
	internal: "This is a defect of lms-computer. Please report it with the message above.",
};

/** What alone keeps the text to replace from being in the file. */
const DIFFERENCES: Readonly<Record<string, string>> = {
	line_endings: "Replace with `matchLineEndings`: the file's line endings are not those of the text.",
	white_space: "Copy the file's spaces, tabs and line breaks as they are",
	line_numbers: "Leave out the line numbers: they are no part of the file.",
	case: "Write upper and lower case as the file does",
};

/** What to do next, from the code and the facts alone. */
export function hintFor(code: ErrorCode, context: Readonly<Record<string, unknown>>): string {
	if (code === "not_supported" && typeof context["driver"] === "string") {
		return `Choose another driver than ${context["driver"]}; \`lms-computer doctor\` shows what each can do.`;
	}
	if (code === "invalid_argument" && typeof context["matches"] === "number") return replacementHint(context["matches"], context);
	if (code === "invalid_argument" && typeof context["position"] === "number") {
		return "A special character that means itself needs a \\ before it; `literal` searches for a text as it is.";
	}
	return HINTS[code] ?? "";
}

/** For a replacement that did not match exactly once. */
function replacementHint(matches: number, context: Readonly<Record<string, unknown>>): string {
	if (matches > 0) return `Add lines around the one place that is meant, or replace all ${matches} with \`all\`.`;
	const { line } = (context["closest"] ?? {}) as { line?: unknown };
	const advice = DIFFERENCES[String(context["difference"])] ?? (line === undefined ? "" : "Copy the text exactly as the file has it");
	if (advice !== "") return advice.endsWith(".") ? advice : `${advice}, from line ${line} on.`;
	const earlier = Number(context["index"]) > 0 ? ", as it is after the replacements before this one" : "";
	return `Read the file${earlier}: nothing in it is like the text to replace.`;
}
