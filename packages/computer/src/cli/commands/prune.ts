import type { Leftover } from "../../driver.js";
import { prune } from "../../prune.js";
import { agreed } from "../ask.js";
import type { Context } from "../commands.js";
import { wrongUsage } from "../failure.js";
import { columns, notice, print, printJson, size } from "../output.js";
import { printable } from "../printable.js";

export async function run({ flags, interruption }: Context): Promise<number> {
	const { signal } = interruption;
	const asks = !flags.yes && !flags.dryRun;
	if (asks && (flags.json || !process.stdin.isTTY)) throw wrongUsage("expected --yes or --dry-run where nobody can be asked", "prune");
	const { found, removed, failed } = await prune({ driver: flags.driver, signal }, async (leftovers) => {
		if (!flags.json) await print(table(leftovers));
		const question = `Remove ${leftovers.length === 1 ? "it" : `these ${leftovers.length}`}?`;
		return flags.dryRun ? false : flags.yes || (await agreed(question, signal));
	});
	if (flags.json) {
		await printJson({
			found: found.map(plain),
			removed: removed.map(plain),
			failed: failed.map(({ leftover, reason }) => ({ ...plain(leftover), reason })),
		});
	} else if (found.length === 0) await notice("there is nothing to remove");
	else {
		for (const { leftover, reason } of failed) await notice(`${leftover.what} stays: ${reason}`);
		if (!flags.dryRun) await notice(`${removed.length} of ${found.length} removed`);
	}
	return failed.length === 0 ? 0 : 1;
}

function plain({ driver, kind, what, why, sizeBytes }: Leftover) {
	return { driver, kind, what, why, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
}

function table(leftovers: readonly Leftover[]): string {
	const rows = leftovers.map(({ driver, kind, what, why, sizeBytes }) => [
		driver,
		kind,
		printable(what),
		sizeBytes === undefined ? "-" : size(sizeBytes),
		printable(why),
	]);
	return columns([["DRIVER", "KIND", "WHAT", "SIZE", "WHY"], ...rows]);
}
