/** What this driver can not give, told before anything is made. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { MachineSpec } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import { presetName, programsOf } from "../preset-recipes.js";

/** Where the guest looks for programs, all of it the host's. */
const PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

const context = { driver: "namespace" } as const;

/** @param has what the machine was made from, if it is to be made anew */
export async function refuseWhatIsMissing(spec: MachineSpec, has?: MachineSpec): Promise<void> {
	if (spec.ports.length > 0) {
		throw new ComputerError("not_supported", "The namespace driver publishes no ports, since its computers have no network", {
			hint: "Leave the ports out: `lms-computer port NAME PORT` reaches any port of such a computer. Or use Docker or Podman.",
			context,
		});
	}
	if (spec.network === "open") throw new ComputerError("not_supported", 'The namespace driver has no network "open"', { context });
	if (spec.runtime !== undefined)
		throw new ComputerError("not_supported", `The namespace driver has no runtime ${spec.runtime}`, { context });
	if (!["root", "0", "0:0"].includes(spec.user) && process.getuid?.() !== 0) {
		throw new ComputerError(
			"not_supported",
			`The namespace driver of an ordinary user has root alone; the user ${spec.user} was asked for`,
			{
				hint: "Leave the user out (root of such a computer is you on this host), or use Podman.",
				context,
			},
		);
	}
	// Programs that the host has lost since are no reason against other settings.
	if (spec.preset.required && !isDeepStrictEqual(spec.preset, has?.preset)) await expectPrograms(spec);
}

/** The programs are the host's: those of a preset that was asked for have to be there. */
async function expectPrograms({ preset }: MachineSpec): Promise<void> {
	if (preset.script !== "") {
		throw new ComputerError(
			"not_supported",
			"The namespace driver runs no script of a preset: its computers have the host's own programs",
			{
				hint: "Run it in the computer, or use Docker or Podman.",
				context,
			},
		);
	}
	const found = await Promise.all(programsOf(preset).map(async (name) => ((await isOnPath(name)) ? [] : [name])));
	const missing = found.flat();
	if (missing.length === 0) return;
	throw new ComputerError(
		"not_supported",
		`The preset ${presetName(preset)} needs programs that this host has not: ${missing.join(", ")}`,
		{
			hint: "Install them on the host, whose programs such a computer has; or use Docker or Podman.",
			context: { ...context, missing },
		},
	);
}

async function isOnPath(name: string): Promise<boolean> {
	const found = await Promise.all(
		PATH.map((directory) =>
			access(join(directory, name), constants.X_OK).then(
				() => true,
				() => false,
			),
		),
	);
	return found.includes(true);
}
