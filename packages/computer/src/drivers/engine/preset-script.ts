/** The shell text that installs a preset inside of an image, whatever that image is; pure. */
import type { Preset } from "../../driver.js";
import { packagesOf } from "../preset-recipes.js";

/** To be raised when what is installed for the same preset changes. */
export const PRESET_RECIPE = "1";

/** Exit codes of the script that are not a package manager's. */
export const EXIT_NO_PACKAGES = 90;
export const EXIT_SCRIPT_FAILED = 91;

/**
 * For any POSIX shell. The family is told by the package manager that is there. What is removed afterwards is of no use
 * to a machine without a network, and out of date in one that has it.
 */
export function presetScript(preset: Preset): string {
	const debian = packagesOf(preset, "debian");
	const alpine = packagesOf(preset, "alpine");
	const install = [
		"if command -v apt-get >/dev/null 2>&1; then",
		// A registry that can not be reached is told at once, not after retries; an index that is missing is an error.
		"	options='-o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 -o APT::Update::Error-Mode=any -o Dpkg::Use-Pty=0'",
		"	apt-get $options update || exit $?",
		`	apt-get $options install -y --no-install-recommends -- ${words(debian)} || exit $?`,
		"	apt-get clean; rm -rf /var/lib/apt/lists/*",
		"elif command -v apk >/dev/null 2>&1; then",
		`	apk add --no-cache -- ${words(alpine)} || exit $?`,
		"else",
		'	( if [ -r /etc/os-release ]; then . /etc/os-release; fi; echo "${PRETTY_NAME:-an unknown system}" )',
		`	exit ${EXIT_NO_PACKAGES}`,
		"fi",
	];
	const lines = ["export DEBIAN_FRONTEND=noninteractive", "cd /"];
	if (debian.length > 0) lines.push(...install);
	if (preset.script !== "")
		lines.push(`( eval ${quote(preset.script)}\n) </dev/null || { echo "it ended with $?"; exit ${EXIT_SCRIPT_FAILED}; }`);
	return `${lines.join("\n")}\nexit 0\n`;
}

function words(names: readonly string[]): string {
	return names.map(quote).join(" ");
}

function quote(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}
