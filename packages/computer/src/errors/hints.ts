import type { ErrorCode } from "./codes.js";

const HINTS: Partial<Record<ErrorCode, string>> = {
	driver_unavailable: "Run `lms-computer doctor` to see every driver and what it lacks.",
	machine_gone: "Open the computer again; it is made anew if it was removed.",
	connection_lost: "Call again; the connection is made anew and the computer's shells and files are still there.",
	disk_full: "Free some space, then try again.",
	limit_reached: "Wait for something to finish, then try again.",
	protocol_error: "The program answering inside the machine is not our agent. Remove the computer and make it anew.",
	internal: "This is a defect of lms-computer. Please report it with the message above.",
};

/** What to do next, from the code and the facts alone. */
export function hintFor(code: ErrorCode, context: Readonly<Record<string, unknown>>): string {
	if (code === "not_supported" && typeof context["driver"] === "string") {
		return `Choose another driver than ${context["driver"]}; \`lms-computer doctor\` shows what each can do.`;
	}
	return HINTS[code] ?? "";
}
