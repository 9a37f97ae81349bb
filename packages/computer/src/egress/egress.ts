/** A computer's way out: what it may reach, kept on this host; who carries its connections; and what became of each. */
import { canceled } from "../agent/abort.js";
import type { Connection } from "../agent/connection.js";
import { carryEgress, type EgressOrder, orderEgress } from "../agent/egress.js";
import { exec } from "../agent/exec.js";
import type { AgentLink } from "../agent/link.js";
import type { Abortable, DriverName } from "../driver.js";
import { ComputerError, isComputerError } from "../errors/index.js";
import { BOUNDS, DEADLINES } from "../limits.js";
import { AuthorityFile } from "./authority.js";
import { Gateway } from "./gateway.js";
import type { EgressDecision } from "./policy.js";
import { type Entry, type NetworkPolicy, PolicyFile } from "./policy-file.js";
import { hostShell, isPreset, PRESETS, presetRules } from "./presets.js";
import { HOST_ALIAS, readRule } from "./rules.js";
import { type Secret, STAND_IN, secretValue } from "./secrets.js";
import { hostTrust } from "./trust.js";

export interface EgressOptions {
	readonly name: string;
	readonly driver: DriverName;
	readonly link: AgentLink;
	/** Something that the user should know. */
	readonly note: (notice: string) => void;
}

/** What a computer may reach. */
export interface EgressState {
	readonly on: boolean;
	/** The words that were given, and the rules that each stands for. */
	readonly allow: readonly Entry[];
	/** Without their values. */
	readonly secrets: readonly {
		readonly name: string;
		readonly host: string;
		readonly header: string;
		/** This process has the value. */
		readonly known: boolean;
	}[];
}

/** What is not named stays as it is. */
export interface EgressChange {
	readonly allow?: readonly string[] | undefined;
	readonly secrets?: readonly Secret[] | undefined;
}

type Reach = Pick<NetworkPolicy, "entries" | "secrets">;

export type DecisionListener = (decision: EgressDecision) => void;

export class Egress {
	readonly #options: EgressOptions;
	readonly #file: PolicyFile;
	readonly #gateway: Gateway;
	readonly #authority: AuthorityFile;
	readonly #listeners = new Set<DecisionListener>();
	/** Those that came with their value. */
	#own: readonly Secret[] = [];
	#toldDamage = false;

	constructor(options: EgressOptions) {
		this.#options = options;
		this.#file = new PolicyFile(options.driver, options.name);
		this.#authority = new AuthorityFile(this.#file.authorityPath);
		this.#gateway = new Gateway({
			computer: options.name,
			policy: async () => ({ secrets: this.#withValues(await this.#read()), rules: await this.#file.rules() }),
			authority: () => this.#authority.open(),
			onDecision: (decision) => this.#tell(decision),
		});
	}

	/** For every new connection to the agent: this process carries from now on, and the machine is as the file says. */
	async connected(connection: Connection): Promise<void> {
		const policy = await this.#read();
		const carrying = carryEgress(
			connection,
			(wanted) => this.#gateway.serve(wanted),
			() => void this.#gateway.recheck().catch(() => {}),
		);
		// An agent from before there was a way out: a machine gets the new one when it starts.
		carrying.catch(() => {});
		if (!policy.on) return;
		try {
			await carrying;
			await this.#order(connection, policy);
		} catch (error) {
			if (!isComputerError(error, "not_supported")) throw error;
			this.#options.note("its allow-list opens nothing until it is restarted: its agent is of an earlier version");
		}
	}

	/** What a program asks for that opens the computer. Undefined leaves it as it is; what the user changed since the same was asked stays. */
	async ask(
		allow: readonly string[] | undefined,
		secrets: readonly Secret[] | undefined,
		made: boolean,
		options: Abortable = {},
	): Promise<void> {
		this.#own = secrets ?? [];
		const before = await this.#read();
		if (allow === undefined && secrets === undefined && !made) return;
		const asked = JSON.stringify([allow ?? [], (secrets ?? []).map(({ name, host, port, header }) => [name, host, port, header])]);
		if (!made && before.asked === asked && !before.damaged) return;
		// A secret is one more way out: the list that is there was not spoken of.
		const entries = allow === undefined && !made ? before.entries : await this.#entries(allow ?? [], [], options);
		const on = entries.length > 0 || (secrets ?? []).length > 0;
		if (!on && !before.on) return;
		const policy = { on, entries, secrets: secrets ?? [], asked };
		try {
			await this.#change(policy, options);
			if (!made) for (const told of difference(before, policy)) this.#options.note(`network: ${told}`);
		} catch (error) {
			// There will be no computer of that name.
			if (made) await this.forget();
			throw error;
		}
	}

	async state(): Promise<EgressState> {
		const { on, entries, secrets } = await this.#read();
		const shown = this.#withValues({ secrets }).map((secret) => ({
			name: secret.name,
			host: secret.port === 443 ? secret.host : `${secret.host}:${secret.port}`,
			header: secret.header,
			known: secretValue(secret) !== undefined,
		}));
		return { on, allow: entries, secrets: shown };
	}

	/**
	 * A list, secrets, or both, in place of those before; what is not named stays. A preset that was there already keeps what it stood for. Counts for every
	 * process at once. Answers what has changed, for people; nothing where nothing has.
	 */
	async set({ allow, secrets }: EgressChange, options: Abortable = {}): Promise<readonly string[]> {
		const before = await this.#read();
		const entries = allow === undefined ? before.entries : await this.#entries(allow, before.entries, options);
		const after = { ...before, entries, secrets: secrets ?? before.secrets };
		if (secrets !== undefined) this.#own = secrets;
		await this.#change({ ...after, on: allow !== undefined || entries.length > 0 || after.secrets.length > 0 }, options);
		return difference(before, after);
	}

	/** No way out. Secrets are forgotten, too. Answers as `set` does. */
	async off(options: Abortable = {}): Promise<readonly string[]> {
		const before = await this.#read();
		const after = { ...before, on: false, entries: [], secrets: [] };
		if (before.on) await this.#change(after, options);
		return difference(before, after);
	}

	/** Until the answer is called. */
	onDecision(listener: DecisionListener): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** A fork may reach what the computer may. */
	async copyTo(name: string): Promise<void> {
		const policy = await this.#read();
		const file = new PolicyFile(this.#options.driver, name);
		// Of a computer that had the name before and went without a removal of ours.
		await file.remove();
		if (policy.on) await file.write(policy);
	}

	/** The values of secrets that the other one has from its caller, and no file. */
	knows(other: Egress): void {
		this.#own = other.#own;
	}

	/** The computer is gone. */
	async forget(): Promise<void> {
		await this.#file.remove();
	}

	/** Before the connection is let go of: the last holder of an ephemeral machine takes its rules and keys along, as nobody comes back to them. */
	async leave(): Promise<void> {
		const connection = this.#options.link.current;
		const { on, asked } = await this.#file.read();
		if (connection === undefined || (!on && asked === "")) return;
		const life = await connection.json("GET", "/v1/life", undefined, AbortSignal.timeout(DEADLINES.lastWordMs)).catch(() => undefined);
		const { ephemeral, holders } = (life ?? {}) as { readonly ephemeral?: unknown; readonly holders?: unknown };
		if (ephemeral === true && holders === 1) await this.forget();
	}

	/** Carries nothing any more. */
	close(): void {
		this.#gateway.close();
	}

	async #read(): Promise<NetworkPolicy> {
		const policy = await this.#file.read();
		if (policy.damaged && !this.#toldDamage) {
			this.#toldDamage = true;
			this.#options.note(`its allow-list, ${this.#file.path}, can not be read: nothing is allowed until it is set again`);
		}
		return policy;
	}

	async #change(policy: Omit<NetworkPolicy, "damaged">, { signal }: Abortable): Promise<void> {
		// Once it is written it counts, and a machine that is not told now is told by the next connection.
		if (signal?.aborted) throw canceled(signal);
		await this.#file.write(policy);
		this.#toldDamage = false;
		const connection = await this.#options.link.get(signal);
		await this.#order(connection, await this.#read());
	}

	async #order(connection: Connection, policy: NetworkPolicy): Promise<void> {
		const { skipped } = await orderEgress(connection, policy.on ? await this.#onOrder(policy) : { on: false });
		for (const port of skipped)
			this.#options.note(`port ${port} of the machine is taken: ${HOST_ALIAS}:${port} is reached through the proxy alone`);
	}

	async #onOrder({ secrets }: NetworkPolicy): Promise<EgressOrder> {
		const rules = await this.#file.rules();
		const own = secrets.length > 0 ? (await this.#authority.open()).certificate : "";
		return {
			on: true,
			trust: `${await hostTrust()}${own}`,
			env: Object.fromEntries(secrets.map(({ name }) => [name, STAND_IN])),
			ports: rules
				.flatMap(({ to, port }) => (to.kind === "name" && to.name === HOST_ALIAS && typeof port === "number" ? [port] : []))
				.slice(0, BOUNDS.egressPorts)
				.map((port) => ({ port, host: HOST_ALIAS, hostPort: port })),
		};
	}

	async #entries(words: readonly string[], before: readonly Entry[], options: Abortable): Promise<readonly Entry[]> {
		const known = new Map(before.map((entry) => [entry.word, entry]));
		const entries: Entry[] = [];
		for (const word of new Set(words)) entries.push(known.get(word) ?? { word, rules: await this.#rulesOf(word, options) });
		return entries;
	}

	async #rulesOf(word: string, { signal }: Abortable): Promise<readonly string[]> {
		if (!isPreset(word)) return [readRule("a rule", word).text];
		const guest = async (script: string) => await runInGuest(await this.#options.link.get(signal), script, signal);
		const rules = await presetRules(word, guest, hostShell({ signal }));
		// What ended early is no answer.
		if (signal?.aborted) throw canceled(signal);
		if (rules.length > 0) return rules;
		throw new ComputerError("not_found", `neither the computer nor this host knows ${PRESETS[word]?.help ?? word}`, {
			hint: "Name the hosts themselves, such as `registry.example.org:443`.",
			context: { preset: word },
		});
	}

	#withValues({ secrets }: Pick<NetworkPolicy, "secrets">): readonly Secret[] {
		const key = ({ name, host, port, header }: Secret) => `${name} ${host} ${port} ${header}`;
		const own = new Map(this.#own.map((secret) => [key(secret), secret]));
		return secrets.map((secret) => own.get(key(secret)) ?? secret);
	}

	#tell(decision: EgressDecision): void {
		for (const listener of this.#listeners) {
			try {
				listener(decision);
			} catch {
				// Who listens has no say in it.
			}
		}
	}
}

/** For people, and without what is secret. */
function difference(before: Reach, after: Reach): readonly string[] {
	const [was, is] = [before, after].map(({ entries, secrets }) => {
		const words = [...entries.map(({ word }) => word), ...secrets.map(({ name, host }) => `${name}@${host}`)];
		return words.length === 0 ? "none" : words.join(", ");
	});
	return is === was ? [] : [`${is} from now on, ${was} before`];
}

const PRESET_MS = 20_000;
const PRESET_BYTES = 256 * 1024;

/** In a shell of its own, which nobody sees afterwards. */
async function runInGuest(connection: Connection, script: string, signal: AbortSignal | undefined): Promise<string> {
	const session = "lms-presets";
	try {
		const { timedOut, stdout } = await exec(connection, script, { session, timeoutMs: PRESET_MS, maxOutputBytes: PRESET_BYTES, signal });
		if (timedOut) throw new ComputerError("timeout", `the computer did not say within ${PRESET_MS / 1000} s where its packages come from`);
		return stdout;
	} finally {
		await connection.send("DELETE", `/v1/sessions/${session}`, "").catch(() => {});
	}
}
