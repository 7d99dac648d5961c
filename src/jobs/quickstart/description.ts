import { join } from "node:path";
import type { PairQuality } from "../../absent/pair-quality.ts";
import { isoTime } from "../../core/clock.ts";
import { writeFileAtomic } from "../../core/files.ts";
import {
  type EvaluatedRun,
  evaluatedRunFiles,
  evaluatedRunSchema,
  type RunJournal,
} from "../../evaluation/report/description.ts";
import type { QuickstartRecipe } from "../../recipes/quickstart.ts";
import { machineFacts } from "../machine-facts.ts";

/** The training stages that are tested: their folders, and their names in the report. */
export const stageTitles = {
  sft: "SFT",
  "sft-more": "SFT for longer",
  "sft-contrast": "SFT + contrast",
  "comparative-grpo": "+ Comparative GRPO",
  "grpo-control": "GRPO control",
} as const;

/** Places in the quickstart's folder. */
export const quickstartFiles = { world: "world", relevance: "relevance", pairs: "pairs.jsonl" } as const;

/** The stages that a recipe has, in order: folders with their titles. */
export const stagesOf = ({
  grpoControl,
}: Pick<QuickstartRecipe, "grpoControl">): readonly (readonly [keyof typeof stageTitles, string])[] =>
  (Object.keys(stageTitles) as (keyof typeof stageTitles)[])
    .filter((name) => name !== "grpo-control" || grpoControl !== "none")
    .map((name) => [
      name,
      name === "grpo-control" ? `${stageTitles[name]} (${grpoControl})` : stageTitles[name],
    ]);

const blindRow = "Blind (no pictures)";

/** Says what the run is before anything runs; the report is made from this and the records. */
export const describeQuickstart = (recipe: QuickstartRecipe, command: string): EvaluatedRun => {
  const stages = stagesOf(recipe).map(([folder, title]) => ({ folder, title }));
  const control = stages.find(({ folder }) => folder === "grpo-control")?.title;
  const last = stageTitles["comparative-grpo"];
  return {
    schema: evaluatedRunSchema,
    title: "VideoPerceiver quickstart",
    summary:
      "A model of Qwen2.5-VL's shape, trained from nothing on rendered clips of a scripted world and tested on clips " +
      "that it has never seen. On absent twins the frames of the event are gone; on random removals as many other " +
      "frames are.",
    command,
    seed: recipe.seed,
    scoring: "strict",
    data: quickstartFiles.world,
    pairs: quickstartFiles.pairs,
    stages: [{ folder: quickstartFiles.relevance, title: "Relevance encoder" }, ...stages],
    rows: [
      { name: blindRow, subject: last, complete: "blind", absent: null, control: null, stage: null },
      ...stages.map(({ folder, title }) => ({
        name: title,
        subject: title,
        complete: "complete",
        absent: "absent",
        control: "random-removal",
        stage: folder,
      })),
    ],
    mainRow: last,
    blindRow,
    comparisons: [
      [stageTitles["sft-contrast"], stageTitles["sft-more"]],
      [last, stageTitles["sft-contrast"]],
      [last, stageTitles["sft-more"]],
    ],
    ...(control === undefined
      ? {}
      : { controls: [{ of: last, control, from: stageTitles["sft-contrast"] }] }),
    configuration: recipe,
  };
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Writes `journal.json`: what happened, and cannot be had from records. */
export const writeJournal = (
  folder: string,
  happened: Pick<RunJournal, "seconds" | "versions"> & {
    readonly dropped: readonly { readonly file: string; readonly reason: string }[];
    readonly quality: PairQuality;
  },
): void => {
  const { seconds, versions, dropped, quality } = happened;
  const journal: RunJournal = {
    schema: evaluatedRunSchema,
    endedAt: isoTime(),
    seconds,
    leftOut: dropped.map(({ file, reason }) => ({ what: file, count: 1, reason })),
    facts: [
      {
        name: "key frames found in training clips",
        value: `${percent(quality.hitRate)} lie in an event (random frames would: ${percent(quality.eventShare)}); ${percent(quality.keyShare)} of frames are key; ${percent(quality.eventGone)} of twins show nothing of the event`,
      },
    ],
    versions,
    machine: machineFacts(),
  };
  writeFileAtomic(join(folder, evaluatedRunFiles.journal), `${JSON.stringify(journal, null, 2)}\n`);
};
