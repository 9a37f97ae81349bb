/** From the tables to a parser, and from the parser to one command. */
import { Argument, Command, CommanderError, Option } from "commander";
import { COMMANDS, type CommandSpec, type Context, type Words } from "./commands.js";
import { wrongUsage } from "./failure.js";
import { FLAGS, type Flag, type FlagName, type FlagValues } from "./flags.js";

const SUMMARY = `Give a model its own Linux computer, in Docker, in Podman, or on nothing but the kernel.`;
const CLOSING = `
LMS_COMPUTER_NAME, LMS_COMPUTER_DRIVER and LMS_COMPUTER_IMAGE stand in for flags that are not given.
LMS_COMPUTER_DEBUG=1 shows where an error came from.`;

/** What was asked for, ready to run. */
export interface Chosen {
	readonly spec: CommandSpec;
	readonly flags: FlagValues;
	readonly words: readonly string[];
}

/** Undefined: it was a call for help, and help was shown. */
export function parse(argv: readonly string[], version: string): Chosen | undefined {
	let chosen: Chosen | undefined;
	const program = quiet(new Command("lms-computer"))
		.description(SUMMARY)
		.version(version)
		.enablePositionalOptions()
		.addHelpText("after", CLOSING);
	for (const spec of COMMANDS) {
		const command = quiet(new Command(spec.name))
			.summary(spec.summary)
			.description(described(spec))
			.passThroughOptions(spec.passThrough ?? false);
		for (const flag of spec.flags) command.addOption(option(flag));
		for (const word of spec.words ?? []) command.addArgument(argument(word, spec));
		command.addHelpText("after", `\nExamples:\n${spec.examples.map(([line, what]) => `  # ${what}\n  ${line}`).join("\n")}`);
		command.action(() => {
			chosen = { spec, flags: flagsOf(spec, command), words: command.args };
		});
		program.addCommand(command);
	}
	try {
		if (argv.length === 0) program.outputHelp();
		else program.parse(argv, { from: "user" });
		return chosen;
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		if (error.exitCode === 0) return undefined;
		// `help` with a word that is no command: commander has nothing to say of it.
		if (error.code === "commander.help") throw wrongUsage(`unknown command '${argv[1]}'`, "");
		const command = COMMANDS.find((spec) => spec.name === argv[0])?.name ?? "";
		throw wrongUsage(error.message.replace(/^error: /, "").replace(/\n/g, " "), command);
	}
}

/** Errors are thrown, and shown in one place in one way. */
function quiet(command: Command): Command {
	return command
		.exitOverride()
		.configureOutput({ writeErr: () => {} })
		.showSuggestionAfterError();
}

function described({ summary, details }: CommandSpec): string {
	const sentence = `${summary[0]?.toUpperCase()}${summary.slice(1)}.`;
	if (details === undefined) return sentence;
	// The table's own line breaks inside a paragraph are not the terminal's.
	return `${sentence}\n\n${details.replace(/(?<=^\S.*)\n(?=\S)/gm, " ")}`;
}

function argument({ syntax, help }: Words, { namesComputers }: CommandSpec): Argument {
	const made = new Argument(syntax, help);
	return namesComputers ? made.argParser(FLAGS.name.read) : made;
}

function option(name: FlagName): Option {
	const flag: Flag = FLAGS[name];
	const made = new Option(flag.syntax, flag.help);
	made.attributeName = () => name;
	// Set and empty is not set, as shells' users mean it.
	if (flag.env !== undefined && process.env[flag.env]) made.env(flag.env);
	if (flag.read !== undefined) made.argParser(flag.read as (text: string, before: unknown) => unknown);
	return made;
}

/** A computer is named once: by a word or by --name. The environment's name counts where there is neither, and nothing is lost by it. */
function flagsOf(spec: CommandSpec, command: Command): FlagValues {
	const flags = command.opts<FlagValues>();
	if (!spec.namesComputers || flags.name === undefined) return flags;
	const named = command.args.length > 0;
	const typed = command.getOptionValueSource("name") === "cli";
	if (named && typed) throw wrongUsage("expected a name or --name, got both", spec.name);
	return named || (!typed && (flags.all || spec.wantsName)) ? { ...flags, name: undefined } : flags;
}

export async function run(chosen: Chosen, interruption: Context["interruption"]): Promise<number> {
	const command = await chosen.spec.load();
	return command.run({ flags: chosen.flags, words: chosen.words, interruption, commands: COMMANDS });
}
