/**
 * Words that stand for several rules. Which hosts a package manager needs is asked of its own configuration, in the machine and on this host, so that a
 * mirror counts. That is done once, when the user gives the word: what the machine's configuration says later opens nothing.
 */
import { execFile } from "node:child_process";
import type { Abortable } from "../driver.js";
import { expectText, refuse } from "../expect.js";
import { BOUNDS } from "../limits.js";
import { readAuthority, showTarget } from "./host.js";
import { HOST_ALIAS, readRule } from "./rules.js";

interface Preset {
	readonly help: string;
	readonly rules?: readonly string[];
	/** Shell text for sh; each URL that it prints is a rule. */
	readonly script?: string;
}

export const PRESETS: Readonly<Record<string, Preset>> = {
	apt: {
		help: "the archives of apt's sources",
		script: "cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -v '^ *#'",
	},
	apk: { help: "the repositories of apk", script: "grep -v '^ *#' /etc/apk/repositories 2>/dev/null" },
	npm: {
		help: "npm's registry",
		// Said by npm itself, which knows its own default; where there is none yet, what it would read.
		script:
			'npm config get registry 2>/dev/null; npm config list 2>/dev/null | grep registry; echo "$npm_config_registry $NPM_CONFIG_REGISTRY"; cat /etc/npmrc ~/.npmrc 2>/dev/null | grep registry',
	},
	pip: {
		help: "pip's indexes",
		script:
			'echo "$PIP_INDEX_URL $PIP_EXTRA_INDEX_URL"; for p in python3 python; do $p -m pip config list 2>/dev/null | grep -i index; ' +
			"$p -c 'from pip._internal.models.index import PyPI as p; print(p.simple_url, \"https://\" + p.file_storage_domain)' 2>/dev/null && break; done; " +
			"cat /etc/pip.conf ~/.pip/pip.conf ~/.config/pip/pip.conf 2>/dev/null | grep -i index",
	},
	github: {
		help: "GitHub: git, its API, releases",
		rules: ["github.com", "api.github.com", "codeload.github.com", "uploads.github.com", "*.githubusercontent.com", "github.com:22"],
	},
	huggingface: { help: "Hugging Face: models and data sets", rules: ["huggingface.co", "*.huggingface.co", "hf.co", "*.hf.co"] },
	"local-model": {
		help: `the model server on port 1234 of this host, in the machine ${HOST_ALIAS}:1234 and 127.0.0.1:1234; another port as local-model:11434`,
		rules: [`${HOST_ALIAS}:1234`],
	},
};

/** Runs shell text and answers what it printed. */
export type Shell = (script: string) => Promise<string>;

const HOST_MS = 20_000;
const MAX_TEXT = 256 * 1024;
/** A configuration with more is somebody's game. */
const MAX_HOSTS = 20;

export function isPreset(word: string): boolean {
	return Object.hasOwn(PRESETS, word) || /^local-model:\d{1,5}$/.test(word);
}

/** A list of rules and presets, each checked. */
export function expectAllow(what: string, value: unknown): readonly string[] {
	if (!Array.isArray(value)) return refuse(what, "a list of rules", value);
	if (value.length > BOUNDS.rules) refuse(what, `${BOUNDS.rules} rules at most`, value.length);
	return value.map((one: unknown) => {
		const word = expectText(`a rule of ${what}`, one).trim();
		return isPreset(word) ? word : readRule(`a rule of ${what}`, word).text;
	});
}

/**
 * Empty when neither side knows any. A host that can not say is one that knows none; a machine that could not be asked may have a mirror of its own, so that
 * what was found without it would be wrong for good.
 */
export async function presetRules(word: string, guest: Shell, host: Shell): Promise<readonly string[]> {
	const [, port] = /^local-model:(\d+)$/.exec(word) ?? [];
	if (port !== undefined) return [`${HOST_ALIAS}:${port}`];
	const preset = PRESETS[word];
	if (preset?.script === undefined) return preset?.rules ?? [];
	const [inside, here] = await Promise.all([guest(preset.script), host(preset.script).catch(() => "")]);
	// The machine may have been told to say anything: a name it may say, which leads to public places alone, and no address.
	const named = placesIn(inside).filter(({ host }) => host.address === undefined && host.text !== "localhost" && host.text !== HOST_ALIAS);
	return [...new Set([...named, ...placesIn(here)].map(({ host, port }) => showTarget(host.text, port)))];
}

type Place = NonNullable<ReturnType<typeof readAuthority>>;

/** Where its URLs lead. */
function placesIn(text: string): readonly Place[] {
	const found: Place[] = [];
	for (const [, scheme, authority = ""] of text.slice(0, MAX_TEXT).matchAll(/(https?):\/\/(?:[^\s/@]*@)?([^\s/?#'"]+)/g)) {
		const place = readAuthority(authority, scheme === "https" ? 443 : 80);
		if (place !== undefined && found.length < MAX_HOSTS) found.push(place);
	}
	return found;
}

/** This host's. An abort ends it. */
export function hostShell({ signal }: Abortable): Shell {
	const options = { cwd: "/", timeout: HOST_MS, maxBuffer: MAX_TEXT, signal };
	return (script) =>
		new Promise((resolve) => {
			if (process.platform === "win32") return resolve("");
			execFile("/bin/sh", ["-c", script], options, (_error, stdout) => resolve(stdout));
		});
}
