import type { Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import { trainingSources } from "../dataset/sources.ts";
import { type NamedSource, parseSource } from "../jobs/build/plan-clips.ts";
import { pairsValue } from "./option-values.ts";

/** What says which clips there are, and what happens in them. */
export interface SourceOptions {
  readonly captions?: string;
  readonly clips?: string;
  readonly columns?: Readonly<Record<string, string>>;
}

/** The sources that the arguments name. @throws {ConfigError} for --captions with several sources or with --clips */
export const sourcesOf = (args: readonly string[], { captions, clips }: SourceOptions): NamedSource[] => {
  if (captions === undefined)
    return args.map((text) => ({ ...parseSource(text), ...(clips !== undefined && { clips }) }));
  if (clips !== undefined)
    throw new ConfigError("say once where the clips are", {
      expected: "a folder of clips with --captions, or tables as sources with --clips",
      got: "--captions and --clips",
    });
  if (args.length !== 1)
    throw new ConfigError("--captions is about one folder of clips", {
      expected: "one source, a folder",
      got: String(args.length),
      hint: "or give the tables as sources and the folder as --clips",
    });
  return [{ ...parseSource(captions), clips: args[0]! }];
};

/** Arguments and options that name sources. */
export const sourceOptions = (command: Command): Command =>
  command
    .argument(
      "<source...>",
      `files or folders, each PATH or KIND=PATH: ${trainingSources.names().join(", ")}`,
    )
    .option("--captions <file>", "a table that says what happens in the clips of the folder")
    .option("--clips <folder>", "where the clips of the sources are; default: beside each source")
    .option(
      "--columns <meaning=name,...>",
      "columns of a table: clip, caption, question, answer, options, keywords, start, end, events, ...",
      pairsValue,
    );
