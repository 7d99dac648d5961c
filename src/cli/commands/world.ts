import { ConfigError } from "../../core/errors.ts";
import { generateWorld } from "../../world/generate.ts";
import { profileNames, worldProfile } from "../../world/profile.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";

interface WorldOptions {
  readonly count: string;
  readonly seed: string;
  readonly out: string;
  readonly difficulty?: string;
  readonly profile: string;
  readonly workers?: string;
}

const wholeNumber = (flag: string, text: string): number => {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 1)
    throw new ConfigError(`bad ${flag}`, { expected: "a whole number of at least 1", got: `"${text}"` });
  return value;
};

const difficultyOf = (text: string): number => {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1))
    throw new ConfigError("bad --difficulty", { expected: "a number from 0 to 1", got: `"${text}"` });
  return value;
};

const world: CommandDefinition = defineCommand({
  summary: "scripted clips with exactly known events, captions and questions",
  goesOn: true,
  configure: (command) => {
    command
      .requiredOption("--count <number>", "clips to make")
      .option("--seed <text>", "the same seed makes the same files, byte for byte", "0")
      .requiredOption("--out <folder>", "the data set folder; an unfinished one is finished")
      .option("--profile <name>", `size, length and language: ${profileNames().join(", ")}`, "quickstart")
      .option(
        "--difficulty <0..1>",
        "0: learnable in minutes, 1: hard for the full method; default: the profile's",
      )
      .option("--workers <number>", "processes that render and encode; default: one a core");
  },
  run: async (_args, raw, context) => {
    const options = raw as unknown as WorldOptions;
    const count = wholeNumber("--count", options.count);
    const difficulty = options.difficulty === undefined ? undefined : difficultyOf(options.difficulty);
    const { folder, description, resumedClips } = await generateWorld({
      count,
      seed: options.seed,
      profile: worldProfile(options.profile, difficulty),
      out: options.out,
      ...(options.workers === undefined ? {} : { workers: wholeNumber("--workers", options.workers) }),
      signal: context.signal,
      progress: context.progress("world", "clips"),
    });
    const { clips, samples } = description.counts;
    return {
      json: { folder, resumedClips, ...description },
      text: `${clips} clips, ${samples} samples in ${folder}${resumedClips > 0 ? ` (${resumedClips} clips were there already)` : ""}\ncontent ${description.contentHash}`,
    };
  },
});

export default world;
