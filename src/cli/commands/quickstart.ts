import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { runQuickstart } from "../../jobs/quickstart/run.ts";
import recipeFor from "../../recipes/quickstart.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { engineOption } from "../engine-options.ts";
import { reportLines } from "../report-lines.ts";

const packageVersions = (): { name: string; value: string }[] => {
  const { version, dependencies } = JSON.parse(
    readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
  ) as { version: string; dependencies: Record<string, string> };
  return [
    { name: "videoperceiver", value: version },
    { name: "node", value: process.versions.node },
    { name: "onnxruntime-node", value: dependencies["onnxruntime-node"] ?? "unknown" },
  ];
};

const quickstart: CommandDefinition = defineCommand({
  summary: "the main job from nothing: world, pairs, contrastive SFT, comparative RL, evaluation, report",
  configure: (command) => {
    engineOption(command)
      .option("--out <folder>", "where everything goes; an unfinished one is finished", "runs/quickstart")
      .option("--minutes <number>", "about how long to train on two cores; sets the numbers of steps", "5.5")
      .option("--seed <number>", "another seed, other clips and weights", "1")
      .option("--resume", "go on where the last call stopped; it does so without this, too");
  },
  run: async (_args, options, context) => {
    const minutes = Number(options["minutes"]);
    if (!(minutes >= 0.05 && minutes <= 600))
      throw new ConfigError("bad --minutes", {
        expected: "a number from 0.05 to 600",
        got: String(options["minutes"]),
      });
    const seed = Number(options["seed"]);
    if (!Number.isSafeInteger(seed))
      throw new ConfigError("bad --seed", { expected: "an integer", got: String(options["seed"]) });
    const engine = options["engine"] as string | undefined;
    const out = resolve(String(options["out"]));
    const command = `npx videoperceiver quickstart --minutes ${minutes} --seed ${seed}${engine === undefined ? "" : ` --engine ${engine}`}`;
    const about = { command, versions: packageVersions() };
    const { report, model, seconds } = await runQuickstart(
      out,
      recipeFor(minutes, seed, engine),
      context,
      about,
    );
    const total = seconds.reduce((sum, { value }) => sum + value, 0);
    return {
      json: { report, seconds, rows: model.rows, differences: model.differences, seeing: model.seeing },
      text: `${reportLines(model)}\nreport: ${report} (${(total / 60).toFixed(1)} min)`,
    };
  },
});

export default quickstart;
