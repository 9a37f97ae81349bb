/** A replacement in the middle of a large file, against what copying the file costs: each has to write all of it. */
import { ours } from "../stage.mjs";

const MIB = 1024 * 1024;

export default async function run(stage) {
	const mib = 60;
	for (const driver of stage.drivers) {
		const computer = await stage.computer(driver);
		await computer.exec(
			`yes 'a line of the file that stays as it is' | head -c ${(mib / 2) * MIB} > big.txt; echo 'the old words' >> big.txt;
			yes 'a line of the file that stays as it is' | head -c ${(mib / 2) * MIB} >> big.txt`,
			{ timeoutMs: 120_000 },
		);
		const words = ["the old words", "the new words"];
		await stage.compare(
			`edit-${driver}`,
			`An edit in a file of ${mib} MiB, ${driver}`,
			{
				"cp of it, in the same computer": () => computer.exec("cp big.txt copy.txt"),
				"sed -i, in the same computer": () => computer.exec(`sed -i 's/the old words/the old words/' big.txt`),
				[ours(driver)]: async () => {
					const [before, after] = words;
					words.reverse();
					return computer.files.replace("big.txt", [{ old: before, new: after }]);
				},
			},
			{ rounds: stage.rounds(7) },
		);
		await computer.exec("rm -f big.txt copy.txt");
	}
}
