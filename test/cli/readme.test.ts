import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { fromRoot } from "../support/repository.js";
import { RUN_PREFIX } from "../support/run.js";
import { Running } from "./command.js";

/** What each example says in its comments that it prints. */
const PRINTS = [
	[/^pear in \/tmp$/m, /nothing/, /^[12]$/m],
	[/^true 124 started$/m, /^true null$/m, /^0 built$/m],
	[/^fig\nplum\n/m, /^1\n2\n3\n0$/m, /\/home\/user/],
];

const examples = [...readFileSync(fromRoot("README.md"), "utf8").matchAll(/^```ts runnable\n([\s\S]*?)^```$/gm)].map(
	(match) => match[1] ?? "",
);

/** Below node_modules, so that the examples find the package by its name. */
const directory = fromRoot("node_modules/.cache", `${RUN_PREFIX}readme`);

/** Only where the computer is made is chosen by the test. */
const HERE = `import { openComputer as open, type OpenOptions } from "lms-computer";
const target = JSON.parse(process.env["README_TARGET"] ?? "{}");
export const openComputer = (options: OpenOptions = {}) => open({ ...options, ...target });
`;

beforeAll(() => {
	mkdirSync(directory, { recursive: true });
	writeFileSync(join(directory, "package.json"), JSON.stringify({ type: "module" }));
	writeFileSync(join(directory, "here.ts"), HERE);
	for (const [index, text] of examples.entries()) {
		writeFileSync(join(directory, `example-${index}.ts`), text.replace('from "lms-computer"', 'from "./here.js"'));
	}
	const options = {
		extends: fromRoot("tsconfig.base.json"),
		compilerOptions: { composite: false, types: ["node"], typeRoots: [fromRoot("node_modules/@types")] },
	};
	writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ ...options, include: ["*.ts"] }));
	execFileSync(process.execPath, [fromRoot("node_modules/typescript/bin/tsc"), "--project", directory], {
		encoding: "utf8",
		stdio: "pipe",
	});
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("there is an expectation for every runnable example", () => {
	expect(examples.length).toBe(PRINTS.length);
});

for (const target of DRIVERS) {
	describe.skipIf(target.skip !== undefined)(target.title, () => {
		test("the examples do what they say", async () => {
			const computer = await target.open("readme");
			for (const [index, patterns] of PRINTS.entries()) {
				const env = { README_TARGET: JSON.stringify({ ...target.options, name: computer.name }) };
				const { status, stderr, stdout } = await new Running(process.execPath, [join(directory, `example-${index}.js`)], env).ended;
				expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
				for (const pattern of patterns) expect(stdout).toMatch(pattern);
			}
		});
	});
}
