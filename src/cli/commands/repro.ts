import { resolve } from "node:path";
import { UnknownNameError } from "../../core/errors.ts";
import { nearestName } from "../../core/nearest.ts";
import { studyFindings } from "../../jobs/repro/findings.ts";
import { scaleLine } from "../../jobs/repro/page.ts";
import { runRepro } from "../../jobs/repro/run.ts";
import studyOf, { type StudyName, studyNames } from "../../recipes/repro.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { integerValue, listValue, numberValue } from "../option-values.ts";

interface ReproOptions {
  readonly seeds: number;
  readonly hours?: number;
  readonly clips: number;
  readonly steps: number;
  readonly forkSteps?: number;
  readonly batch?: number;
  readonly threads: number;
  readonly arms?: readonly string[];
}

const endings = {
  done: [],
  hours: ["the time is up; the same call goes on"],
  elsewhere: ["other processes still work on seeds of this study; the last one writes the results of all"],
} as const;

const isStudy = (name: string): name is StudyName => (studyNames as readonly string[]).includes(name);

const repro: CommandDefinition = defineCommand({
  summary:
    "the paper's claims re-tested in the scripted world: arms with controls, seeds, intervals; resumable",
  goesOn: true,
  configure: (command) => {
    command
      .argument("<study>", `one of: ${studyNames.join(", ")}`)
      .option(
        "--seeds <number>",
        "worlds, weights and orders to repeat everything with",
        integerValue({ min: 1 }),
        3,
      )
      .option(
        "--hours <number>",
        "stop after so long and report what there is",
        numberValue({ min: 0, max: 500 }),
      )
      .option(
        "--clips <number>",
        "training clips a seed; 15 % as many are held out",
        integerValue({ min: 40 }),
        10_000,
      )
      .option("--steps <number>", "steps of the shared base", integerValue({ min: 20 }), 2000)
      .option(
        "--fork-steps <number>",
        "steps of the arms behind it; default: 15 % of the base's",
        integerValue({ min: 4 }),
      )
      .option("--batch <number>", "clips of an SFT step; default: 32", integerValue({ min: 2 }))
      .option("--arms <names>", "only these arms and what they begin from, with commas", listValue)
      .option(
        "--threads <number>",
        "of the engine; 1 leaves the other cores to others",
        integerValue({ min: 1 }),
        2,
      )
      .option(
        "--out <folder>",
        "where everything goes; an unfinished study is finished, the same call beside it takes other seeds",
        "runs/repro-<study>",
      );
  },
  run: async ([name], options, context) => {
    const study = String(name);
    if (!isStudy(study))
      throw new UnknownNameError("study", study, [...studyNames], nearestName(study, [...studyNames]));
    const { seeds, hours, clips, steps, forkSteps, batch, threads, arms } =
      options as unknown as ReproOptions;
    const out = resolve(String(options["out"]).replace("<study>", study));
    const made = studyOf(study, { clips, steps, forkSteps, batch, threads });
    const request = { out, seeds, hours, arms };
    const { results, files, ended } = await runRepro(made, request, context);
    const findings = studyFindings(results);
    return {
      json: { ...results, ended, files, findings },
      text: [
        scaleLine(results),
        ...findings.map(({ outcome, headline, detail }) => `${outcome.padEnd(4)} ${headline} ${detail}`),
        ...endings[ended],
        `report: ${files.page}`,
      ].join("\n"),
    };
  },
});
export default repro;
