import { readdirSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { InternalError, messageOf, UnknownNameError, VideoPerceiverError } from "../core/errors.ts";
import { nearestName } from "../core/nearest.ts";
import type { CommandContext, CommandDefinition, CommandResult } from "./command.ts";
import { progressDisplay } from "./progress-display.ts";

const folder = new URL("./commands/", import.meta.url);
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

const commandNames = (): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(extension) && !file.endsWith(".d.ts"))
    .map((file) => file.slice(0, -extension.length))
    .sort();

const loadCommand = async (name: string): Promise<CommandDefinition> =>
  ((await import(new URL(name + extension, folder).href)) as { default: CommandDefinition }).default;

const overview = async (): Promise<string> => {
  const lines = ["videoperceiver <command> [options]", "", "commands:"];
  for (const name of commandNames()) lines.push(`  ${name.padEnd(12)} ${(await loadCommand(name)).summary}`);
  lines.push("", "videoperceiver <command> --help says more; --json prints one JSON document.");
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

const runCommand = async (name: string, argv: readonly string[]): Promise<number> => {
  const definition = await loadCommand(name);
  const command = new Command(`videoperceiver ${name}`).description(definition.summary);
  command
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .showSuggestionAfterError(true);
  command.option("--json", "print exactly one JSON document on standard output");
  definition.configure(command);
  command.action(() => {});
  try {
    command.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    process.stderr.write(`${error.message.replace(/\s*\n\s*/g, " ")}; see videoperceiver ${name} --help\n`);
    return 2;
  }
  const options = command.opts() as Record<string, unknown>;
  const displays: { stop(): void }[] = [];
  const interrupt = interruptSignal();
  const context: CommandContext = {
    json: options["json"] === true,
    signal: interrupt.signal,
    progress: (label, unit) => {
      const display = progressDisplay(label, unit);
      displays.push(display);
      return display;
    },
  };
  let result: CommandResult;
  try {
    result = await definition.run(command.processedArgs as string[], options, context);
  } finally {
    for (const display of displays) display.stop();
    interrupt.release();
  }
  await print(context.json ? JSON.stringify(result.json) : result.text);
  return result.exitCode ?? 0;
};

/** Runs one command line and gives the exit status: 0 done, 1 "no", 2 the person's error, 70 ours, 130 stopped. */
export const main = async (argv: readonly string[]): Promise<number> => {
  const [name, ...rest] = argv;
  try {
    if (name === undefined || name === "--help" || name === "-h" || name === "help") {
      await print(await overview());
      return name === undefined ? 2 : 0;
    }
    if (name === "--version") {
      await print(
        JSON.parse(
          (await import("node:fs")).readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
        ).version,
      );
      return 0;
    }
    const known = commandNames();
    if (!known.includes(name)) throw new UnknownNameError("command", name, known, nearestName(name, known));
    return await runCommand(name, rest);
  } catch (error) {
    if (error instanceof VideoPerceiverError) {
      process.stderr.write(`${error.message}\n`);
      return 2;
    }
    if (error instanceof Error && error.name === "AbortError") {
      process.stderr.write(`${error.message}\n`);
      return 130;
    }
    const shown = error instanceof InternalError || error instanceof Error ? error.stack : messageOf(error);
    process.stderr.write(`${shown}\n`);
    return 70;
  }
};
