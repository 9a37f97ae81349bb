/** What the presets are: by the packages of each family of systems, and by the programs that they bring. Data; pure. */
import type { Preset } from "../driver.js";

export type Family = "debian" | "alpine";

interface Recipe {
	readonly includes: readonly Preset["name"][];
	readonly packages: Readonly<Record<Family, readonly string[]>>;
	/** By what a system without a package manager of ours is checked. */
	readonly programs: readonly string[];
}

const RECIPES: Readonly<Record<Preset["name"], Recipe>> = {
	none: { includes: [], packages: { debian: [], alpine: [] }, programs: [] },
	minimal: {
		includes: [],
		packages: {
			debian: ["ca-certificates", "curl", "wget", "git", "vim", "jq"],
			alpine: ["ca-certificates", "curl", "wget", "git", "vim", "jq"],
		},
		programs: ["curl", "wget", "git", "vim", "jq"],
	},
	python: {
		includes: ["minimal"],
		packages: { debian: ["python3", "python3-pip", "python3-venv", "python-is-python3"], alpine: ["python3", "py3-pip"] },
		programs: ["python3", "pip3"],
	},
	node: { includes: ["minimal"], packages: { debian: ["nodejs", "npm"], alpine: ["nodejs", "npm"] }, programs: ["node", "npm"] },
	build: {
		includes: ["minimal"],
		packages: { debian: ["build-essential", "cmake", "pkg-config"], alpine: ["build-base", "cmake", "pkgconf"] },
		programs: ["gcc", "g++", "make", "cmake", "pkg-config"],
	},
	network: {
		includes: ["minimal"],
		packages: {
			debian: ["iproute2", "iputils-ping", "dnsutils", "netcat-openbsd", "traceroute", "openssh-client", "rsync"],
			alpine: ["iproute2", "iputils", "bind-tools", "netcat-openbsd", "traceroute", "openssh-client", "rsync"],
		},
		programs: ["ip", "ping", "dig", "nc", "traceroute", "ssh", "rsync"],
	},
	full: { includes: ["python", "node", "build", "network"], packages: { debian: [], alpine: [] }, programs: [] },
};

export function packagesOf(preset: Preset, family: Family): readonly string[] {
	return [...new Set([...collect(preset.name, ({ packages }) => packages[family]), ...preset.packages])];
}

export function programsOf(preset: Preset): readonly string[] {
	return [...new Set([...collect(preset.name, ({ programs }) => programs), ...preset.packages])];
}

export function isEmpty({ name, packages, script }: Preset): boolean {
	return name === "none" && packages.length === 0 && script === "";
}

/** For people: `python+jq`. */
export function presetName({ name, packages, script }: Preset): string {
	const parts = [name === "none" && packages.length > 0 ? [] : name, packages].flat();
	return `${parts.join("+")}${script === "" ? "" : " with a script"}`;
}

function collect(name: Preset["name"], of: (recipe: Recipe) => readonly string[]): readonly string[] {
	const recipe = RECIPES[name];
	return [...recipe.includes.flatMap((included) => collect(included, of)), ...of(recipe)];
}
