/** What a computer may reach, and how a decision about it is told. */
import { type Host, readHost, showTarget } from "./host.js";
import { HOST_ALIAS, type Rule, ruleFor } from "./rules.js";
import type { Secret } from "./secrets.js";

export interface Policy {
	readonly rules: readonly Rule[];
	readonly secrets: readonly Secret[];
}

/** One connection or request of a program in the machine, and what became of it. */
export interface EgressDecision {
	/** Unix time in ms. */
	readonly at: number;
	readonly allowed: boolean;
	/** As asked for, bounded: `example.org:443`. */
	readonly target: string;
	/** The rule that allowed it. */
	readonly rule?: string;
	/** Why not, for people. */
	readonly reason?: string;
	/** Names of the secrets that went along. */
	readonly secrets?: readonly string[];
}

/** A place that a client may ask for. */
export interface Destination {
	readonly host: Host;
	readonly port: number;
	readonly rule: Rule;
}

/** No, and why. Not an Error: a refusal is a result. */
export class Refused {
	readonly target: string;
	readonly reason: string;
	/** What the user can do; empty when nothing helps. */
	readonly remedy: string;

	constructor(target: string, reason: string, remedy = "") {
		this.target = target;
		this.reason = reason;
		this.remedy = remedy;
	}
}

const MAX_SHOWN = 300;

/** By the rules alone; where the name leads is checked when it is dialed. */
export function decide({ rules }: Policy, given: string, port: number): Destination | Refused {
	const host = readHost(given);
	if (host === undefined) {
		return new Refused(`${printable(given)}:${port}`, "it is neither the name of a host nor an address in its plain form");
	}
	const rule = ruleFor(rules, host, port);
	if (rule !== undefined) return { host, port, rule };
	const target = showTarget(host.text, port);
	return new Refused(target, `${target} is not on this computer's allow-list`, target);
}

/** Text of the machine's, for people: bounded, on one line, with nothing a terminal would act on. */
export function printable(text: string): string {
	const short = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
	return short.replace(/[^\x20-\x7e…]/g, "?");
}

/** Whether the name that a client says inside has to be the one it asked for: an address that a rule names itself serves no other. */
export function isByName({ host, rule }: Destination): boolean {
	return (
		host.address === undefined &&
		host.text !== "localhost" &&
		host.text !== HOST_ALIAS &&
		rule.to.kind !== "network" &&
		rule.to.kind !== "anywhere"
	);
}

/** What the program, and so the model, is told. */
export function refusalText(computer: string, { reason, remedy }: Refused): string {
	const how = remedy === "" ? "" : `\nThe user can allow it with: ${allowCommand(computer, remedy)}`;
	return `Refused by lms-computer: ${reason}.${how}\n`;
}

/** One line, for programs that show nothing but the reason phrase. */
export function refusalReason(computer: string, { reason, remedy }: Refused): string {
	return remedy === "" ? `Refused: ${reason}` : `Not allowed: ${allowCommand(computer, remedy)}`;
}

function allowCommand(computer: string, rule: string): string {
	return `lms-computer network allow ${rule} --name ${computer}`;
}
