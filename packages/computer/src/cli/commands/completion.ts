/** Completion scripts, made from the table of commands: they know what this version knows. */
import { DRIVER_NAMES } from "../../options/settings.js";
import type { CommandSpec, Context } from "../commands.js";
import { wrongUsage } from "../failure.js";
import { FLAGS, type Flag } from "../flags.js";
import { print } from "../output.js";

type Script = (commands: readonly CommandSpec[]) => string;

const SHELLS: Readonly<Record<string, Script>> = { bash, zsh, fish };

/** The names of computers, however long an engine takes to answer. */
const NAMES = `lms-computer ls --json 2>/dev/null | tr ',{' '\\n\\n' | sed -n 's/^ *"name": *"\\([^"]*\\)".*/\\1/p'`;

export async function run({ commands, words }: Context): Promise<number> {
	const script = SHELLS[words[0] ?? ""];
	if (script === undefined) throw wrongUsage(`expected one of ${Object.keys(SHELLS).join(", ")}, got "${words[0]}"`, "completion");
	await print(script(commands));
	return 0;
}

function longFlags({ flags }: CommandSpec): readonly string[] {
	return [...flags.map((name) => /--[a-z-]+/.exec((FLAGS[name] as Flag).syntax)?.[0] ?? ""), "--help"];
}

function cases(commands: readonly CommandSpec[]): string {
	return commands
		.map((spec) => `    ${spec.name}) flags="${longFlags(spec).join(" ")}"; names=${spec.namesComputers ? 1 : ""} ;;`)
		.join("\n");
}

function bash(commands: readonly CommandSpec[]): string {
	return `_lms_computer() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} flags= names=
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")} --help --version" -- "$word")); return; fi
  case \${COMP_WORDS[1]} in
${cases(commands)}
  esac
  case $before in
    -n|--name) names=1 flags= ;;
    -d|--driver) COMPREPLY=($(compgen -W "auto ${DRIVER_NAMES.join(" ")}" -- "$word")); return ;;
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) if [ -n "$names" ]; then COMPREPLY=($(compgen -W "$(${NAMES})" -- "$word")); else COMPREPLY=($(compgen -f -- "$word")); fi ;;
  esac
}
complete -F _lms_computer lms-computer`;
}

/** zsh runs bash's. */
function zsh(commands: readonly CommandSpec[]): string {
	return `autoload -Uz bashcompinit && bashcompinit\n${bash(commands)}`;
}

function fish(commands: readonly CommandSpec[]): string {
	const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
	const lines = commands.flatMap((spec) => {
		const here = `-n '__fish_seen_subcommand_from ${spec.name}'`;
		return [
			`complete -c lms-computer -n __fish_use_subcommand -a ${spec.name} -d ${quoted(spec.summary)}`,
			...spec.flags.map((name) => {
				const { syntax, help } = FLAGS[name] as Flag;
				return `complete -c lms-computer ${here} -l ${/--([a-z-]+)/.exec(syntax)?.[1]}${syntax.includes("<") ? " -r" : ""} -d ${quoted(help)}`;
			}),
			...(spec.namesComputers ? [`complete -c lms-computer ${here} -f -a "(${NAMES.replaceAll('"', '\\"')})"`] : []),
		];
	});
	return ["complete -c lms-computer -f", ...lines].join("\n");
}
