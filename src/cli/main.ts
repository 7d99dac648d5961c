import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { ConfigError, messageOf, StartError, UnknownNameError, VideoPerceiverError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import { nearestName } from "../core/nearest.ts";
import { shellWords } from "../core/shell-words.ts";
import type { CommandContext, CommandDefinition, CommandResult } from "./command.ts";
import { errorDocument } from "./error-document.ts";
import { loadPlugins, pluginOptions } from "./plugin-options.ts";
import { type ProgressDisplay, progressDisplay } from "./progress-display.ts";
import { systemErrorOf } from "./system-error.ts";

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

/** Where the commands are, unless a test says otherwise. */
const ownCommands = new URL("./commands/", import.meta.url);

const commandNames = (folder: URL): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(extension) && !file.endsWith(".d.ts"))
    .map((file) => file.slice(0, -extension.length))
    .sort();

const loadCommand = async (folder: URL, name: string): Promise<CommandDefinition> =>
  ((await import(new URL(name + extension, folder).href)) as { default: CommandDefinition }).default;

/**
 * What `--help` alone prints: every command of `folder` with its summary. `bin/` keeps this text in a file, so that
 * nothing has to be loaded for it.
 */
export const overview = async (folder: URL = ownCommands): Promise<string> => {
  const lines = ["videoperceiver <command> [options]", "", "commands:"];
  for (const name of commandNames(folder))
    lines.push(`  ${name.padEnd(12)} ${(await loadCommand(folder, name)).summary}`);
  lines.push(
    "",
    "videoperceiver <command> --help says more; --json prints one JSON document;",
    "--plugin FILE adds a plug-in of your own.",
  );
  return lines.join("\n");
};

/** The signal behind Ctrl-C: the first press asks for a clean stop, the second one ends the process. */
const interruptSignal = (): { signal: AbortSignal; release: () => void } => {
  const controller = new AbortController();
  const onInterrupt = (): void => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write("\nstopping cleanly; press Ctrl-C again to stop at once\n");
    controller.abort();
  };
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onInterrupt);
  const release = (): void => {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  };
  return { signal: controller.signal, release };
};

/** Writes all of it before going on: output to a pipe is cut off by a process that ends too early. */
const print = (text: string): Promise<void> =>
  new Promise((done) => {
    process.stdout.write(text.endsWith("\n") ? text : `${text}\n`, () => done());
  });

/** What a person types to go on with a stopped command; undefined: it cannot go on. */
const whatGoesOn = (
  command: Command,
  name: string,
  argv: readonly string[],
  goesOn: boolean,
): string | undefined => {
  const resumable = command.options.some(({ long }) => long === "--resume");
  if (!resumable && !goesOn) return undefined;
  const again = !resumable || argv.includes("--resume") ? argv : [...argv, "--resume"];
  return shellWords(["videoperceiver", name, ...again]);
};

const howToResume = (again: string | undefined): string =>
  again === undefined ? "stopped; nothing half-done was left behind" : `stopped; go on with: ${again}`;

/** Options and arguments of a command; `--json`, `--plugin` and `--help` are every command's. */
const declare = (name: string, definition: CommandDefinition): Command => {
  const command = new Command(`videoperceiver ${name}`).description(definition.summary);
  command.exitOverride().configureOutput({ writeErr: () => {} });
  command.option("--json", "print exactly one JSON document on standard output");
  definition.configure(pluginOptions(command));
  return command.action(() => {});
};

/** Parses; an unknown flag is told before anything that is missing, since a misspelt flag is both. */
const parseCommand = (name: string, definition: CommandDefinition, argv: readonly string[]): Command => {
  const probe = declare(name, definition);
  const stray = probe.parseOptions([...argv]).unknown[0];
  const asksForHelp = argv.includes("--help") || argv.includes("-h");
  if (stray !== undefined && /^--?[a-z]/i.test(stray) && !asksForHelp) {
    const flag = stray.split("=")[0]!;
    const known = [...probe.options.flatMap(({ long }) => long ?? []), "--help"];
    throw new UnknownNameError("option", flag, known, nearestName(flag, known));
  }
  return declare(name, definition).parse(argv, { from: "user" });
};

/** An empty word for a place is an unset variable of a shell, and would be the current folder. @throws {ConfigError} naming the flag */
const refuseEmptyPlaces = (command: Command): void => {
  for (const option of command.options) {
    const given: unknown = command.getOptionValue(option.attributeName());
    const isPlace = /<.*(folder|file|path).*>/i.test(option.flags);
    if (isPlace && (given === "" || (Array.isArray(given) && given.includes(""))))
      throw new ConfigError("an empty name", {
        where: option.long ?? option.flags,
        expected: option.flags.replace(/^.*(<.*>).*$/, "$1"),
        hint: "a variable of the shell that is not set leaves nothing behind the flag",
      });
  }
};

const runCommand = async (folder: URL, name: string, argv: readonly string[]): Promise<number> => {
  await loadPlugins(argv);
  const definition = await loadCommand(folder, name);
  let command: Command;
  try {
    command = parseCommand(name, definition, argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    // Commander's own messages are user errors like all others: one line, or a document.
    throw new ConfigError(error.message.replace(/\s*\n\s*/g, " "), {
      hint: `see videoperceiver ${name} --help`,
    });
  }
  refuseEmptyPlaces(command);
  const options = command.opts() as Record<string, unknown>;
  const displays: ProgressDisplay[] = [];
  const interrupt = interruptSignal();
  const context: CommandContext = {
    json: options["json"] === true,
    signal: interrupt.signal,
    warn: (line) => {
      const text = `warning: ${line}`;
      // A bar is drawn anew below what is logged.
      const shown = displays.at(-1);
      if (shown === undefined) process.stderr.write(`${text}\n`);
      else shown.log(text);
    },
    progress: (label, unit) => {
      const display = progressDisplay(label, unit);
      displays.push(display);
      return display;
    },
  };
  const again = whatGoesOn(command, name, argv, definition.goesOn === true);
  let result: CommandResult | undefined;
  try {
    result = await definition.run(command.processedArgs as string[], options, context);
  } catch (error) {
    // What a command throws because it was asked to stop is no error of anybody's.
    if (!interrupt.signal.aborted || !(error instanceof Error && error.name === "AbortError"))
      throw systemErrorOf(error, again) ?? error;
  } finally {
    for (const display of displays) display.stop();
    interrupt.release();
  }
  if (result !== undefined) await print(context.json ? JSON.stringify(result.json) : result.text);
  if (interrupt.signal.aborted) {
    if (result === undefined && context.json)
      await print(JSON.stringify(errorDocument("interrupted", "stopped by Ctrl-C")));
    process.stderr.write(`${howToResume(again)}\n`);
    return 130;
  }
  return result?.exitCode ?? 0;
};

const version = (): string => {
  const { version } = readJsonFile(fileURLToPath(new URL("../../package.json", import.meta.url))) as {
    readonly version: string;
  };
  return version;
};

/**
 * Runs one command line and gives the exit status: 0 done, 1 "no", 2 the person's error, 70 ours, 130 stopped.
 * `folder` holds the commands, one a file.
 */
export const main = async (argv: readonly string[], folder: URL = ownCommands): Promise<number> => {
  const [name, ...rest] = argv;
  const asksForJson = rest
    .slice(0, rest.includes("--") ? rest.indexOf("--") : rest.length)
    .includes("--json");
  try {
    if (name === undefined || name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
      await print(await overview(folder));
      return name === undefined ? 2 : 0;
    }
    if (name === "--version" || name === "-V") {
      await print(version());
      return 0;
    }
    const known = commandNames(folder);
    const wanted = name === "help" ? rest[0]! : name;
    if (!known.includes(wanted))
      throw new UnknownNameError("command", wanted, known, nearestName(wanted, known));
    return await runCommand(folder, wanted, name === "help" ? ["--help"] : rest);
  } catch (error) {
    const told = error instanceof VideoPerceiverError ? error : systemErrorOf(error);
    if (asksForJson)
      await print(
        JSON.stringify(
          told === undefined
            ? errorDocument("internal", messageOf(error))
            : errorDocument(told.code, told.message, told.detail),
        ),
      );
    if (told !== undefined) {
      process.stderr.write(`${told.message}\n`);
      return 2;
    }
    const shown = error instanceof Error && !(error instanceof StartError) ? error.stack : messageOf(error);
    process.stderr.write(`${shown}\n`);
    return 70;
  }
};
