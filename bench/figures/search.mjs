/** Search in a large tree, against ripgrep on the same tree in the same computer. */
import { cli, missingProgram } from "../peers.mjs";
import { ours } from "../stage.mjs";

export default async function run(stage) {
	const missing = await missingProgram("rg");
	if (missing) return stage.skip("search", missing);
	const files = stage.quick ? 4000 : 20_000;
	for (const driver of stage.drivers) {
		const computer = await stage.fresh(driver);
		if (driver !== "namespace") await bringRipgrep(computer);
		await computer.exec(TREE.replaceAll("FILES", String(files)), { timeoutMs: 300_000 });
		for (const { name, title, pattern, path = "tree", many = files } of SEARCHES) {
			const all = { path, hidden: true, all: true, maxResults: 100_000 };
			const ripgrep = `rg --hidden --no-ignore --json -e '${pattern}' ${path} > /dev/null`;
			const { stdout } = await computer.exec(`rg --hidden --no-ignore -e '${pattern}' ${path} | wc -l`);
			const found = await computer.files.search(pattern, all);
			// All of them: a search that ends early would be compared with one that does not.
			if (found.truncated || found.matches.length !== Number(stdout))
				throw new Error(`expected ${stdout.trim()} matches, got ${found.matches.length}`);
			await stage.compare(
				`search-${name}-${driver}`,
				`Search for ${title}, ${many.toLocaleString("en-US")} files, ${driver}`,
				{
					"ripgrep, in the same computer": () => computer.exec(ripgrep),
					"grep -r, in the same computer": () => computer.exec(`grep -rnE '${pattern}' ${path} > /dev/null`, { timeoutMs: 120_000 }),
					[ours(driver)]: () => computer.files.search(pattern, all),
				},
				{
					rounds: stage.rounds(9),
					goals: [
						{
							text: `on ${driver} at most twice the time of ripgrep`,
							way: ours(driver),
							against: "ripgrep, in the same computer",
							share: 2,
						},
					],
				},
			);
		}
		await computer.remove();
	}
}

/** A tenth of all lines is nearly what the second one looks for, and what the third one does. */
const SEARCHES = [
	{ name: "literal", title: "a word that is in one file of a thousand", pattern: "needle_of_the_haystack" },
	{
		name: "regex",
		title: "a regular expression that is in one file of a hundred",
		pattern: "func(tion)? [a-z]+_[0-9]*7\\((needle|thread)",
	},
	{
		name: "many",
		title: "a regular expression with 48,000 matches",
		pattern: "func(tion)? [a-z]+_[0-9]*7\\(",
		path: "tree/first",
		many: 4000,
	},
];

/** Source code of a kind: mostly lines that do not match, names that nearly do. Of whatever size, what is in `first` is the same. */
const TREE = `(set -e; mkdir -p tree; cd tree
awk 'BEGIN { for (i = 0; i < 120; i++) printf "function some_%d(argument) { return needle_of_haystack(argument, %d); } // line %d\\n", i, i * 7, i }' > ../template
for d in $(seq 0 99); do mkdir -p first/d$d rest/d$d; done
awk 'BEGIN { while ((getline line < "../template") > 0) text = text line "\\n";
	for (i = 0; i < FILES; i++) {
		f = (i < 4000 ? "first" : "rest") "/d" (i % 100) "/file-" i ".c"; printf "%s", text > f
		if (i % 1000 == 0) print "needle_of_the_haystack" > f
		if (i % 100 == 50) print "function other_77(needle) {" > f
		close(f)
	} }')`;

/** The host's, with its libraries: the image has none. */
async function bringRipgrep(computer) {
	const { stdout } = await cli("sh", "-c", "ldd $(command -v rg) | sed -n 's/.*=> \\(\\/[^ ]*\\) .*/\\1/p'");
	const program = (await cli("sh", "-c", "readlink -f $(command -v rg)")).stdout.trim();
	await computer.files.upload(program, "/usr/local/bin/rg");
	const there = await computer.exec("ldd /usr/local/bin/rg 2>&1");
	for (const line of there.stdout.split("\n").filter((text) => text.includes("not found"))) {
		const name = line.trim().split(" ")[0];
		const library = stdout.split("\n").find((path) => path.endsWith(`/${name}`));
		await computer.files.upload((await cli("readlink", "-f", library)).stdout.trim(), `/usr/local/lib/${name}`);
	}
	await computer.exec("ldconfig; chmod +x /usr/local/bin/rg");
}
