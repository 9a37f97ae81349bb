import { type Computer, openComputer } from "lms-computer";
import { Toolbox, type ToolboxOptions, type ToolResult } from "lms-computer/tools";
import { afterAll, beforeAll, describe } from "vitest";
import { DRIVERS, type Target } from "../support/drivers.js";

export interface ToolSubject {
	readonly target: Target;
	readonly computer: Computer;
	readonly toolbox: Toolbox;
	/** A call of the common toolbox. */
	call(name: string, args?: unknown): Promise<ToolResult>;
	/** Another toolbox on the same computer; closed after the suite. */
	another(options?: Partial<ToolboxOptions>): Toolbox;
}

/** Tests with a computer and a toolbox without a budget, on every driver. */
export function toolSuite(name: string, tests: (subject: ToolSubject) => void, targets: readonly Target[] = DRIVERS): void {
	describe.for(targets)("$title", (target) => {
		describe.skipIf(target.skip !== undefined)(name, () => {
			const toolboxes: Toolbox[] = [];
			let computer: Computer;
			const another = (options: Partial<ToolboxOptions> = {}) => {
				const open: ToolboxOptions["open"] = (more) => openComputer({ ...target.options, ...more, name: computer.name });
				const toolbox = new Toolbox({ open, callsPerTurn: 0, ...options });
				toolboxes.push(toolbox);
				return toolbox;
			};
			beforeAll(async () => {
				computer = await target.open(name);
				another();
			});
			afterAll(async () => {
				await Promise.all(toolboxes.map((toolbox) => toolbox.close()));
			});
			const common = () => toolboxes[0] as Toolbox;
			tests({
				target,
				get computer() {
					return computer;
				},
				get toolbox() {
					return common();
				},
				call: (tool, args = {}) => common().call(tool, args),
				another,
			});
		});
	});
}
