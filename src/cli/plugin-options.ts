import type { Command } from "commander";
import { loadPlugin } from "../jobs/load-plugin.ts";

/** Declares `--plugin`, which every command has. */
export const pluginOptions = (command: Command): Command =>
  command.option(
    "--plugin <file>",
    "a plug-in of your own: a .ts or .js file that uses videoperceiver/plugins; repeatable",
    (file: string, before: readonly string[] | undefined) => [...(before ?? []), file],
  );

/** The values of `--plugin` in a command line. They are read before all else: options may name what they add. */
const pluginFiles = (argv: readonly string[]): string[] => {
  const end = argv.indexOf("--");
  const words = end < 0 ? argv : argv.slice(0, end);
  return words.flatMap((word, at) => {
    if (word.startsWith("--plugin=")) return [word.slice("--plugin=".length)];
    const value = word === "--plugin" ? words[at + 1] : undefined;
    return value === undefined ? [] : [value];
  });
};

/** Loads every plug-in that a command line names, in order. @throws {ConfigError} for the first that is none */
export const loadPlugins = async (argv: readonly string[]): Promise<void> => {
  for (const file of pluginFiles(argv)) await loadPlugin(file);
};
