import type { Command } from "commander";
import type { JobContext } from "../jobs/job-context.ts";

/** What a running command is given besides its arguments; bars, lines and warnings go to standard error. */
export interface CommandContext extends JobContext {
  /** True when exactly one JSON document goes to standard output. */
  readonly json: boolean;
}

/** What a command gives back: the JSON document, and the text a person sees instead. */
export interface CommandResult {
  readonly json: unknown;
  readonly text: string;
  /** Exit status other than 0, for commands whose answer can be "no" (verify: 1). */
  readonly exitCode?: number;
}

/** One command; its file's name is its name. */
export interface CommandDefinition {
  readonly summary: string;
  /** True where the same command goes on where a stopped one was, though it has no `--resume`. */
  readonly goesOn?: true;
  /** Declares arguments and options on a commander command (`--json` and `--help` are there already). */
  readonly configure: (command: Command) => void;
  /** Does the work. `args` are the positional arguments, `options` commander's parsed options. */
  readonly run: (
    args: readonly (string | readonly string[] | undefined)[],
    options: Readonly<Record<string, unknown>>,
    context: CommandContext,
  ) => Promise<CommandResult>;
}

/** Declares a command. */
export const defineCommand = (definition: CommandDefinition): CommandDefinition => definition;
