import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { sha256 } from "../../core/files.ts";
import type { DatasetDescription } from "../../dataset/schema.ts";
import { SetPage } from "../../dataset/set-page.ts";
import type { SplitShares } from "../../dataset/split.ts";
import type { JobContext } from "../job-context.ts";
import { assembleDataset } from "./assemble.ts";
import { datasetCard, RejectionCounts } from "./card.ts";
import { type Decisions, decisionsSchemaName } from "./decisions.ts";
import { pairData, rejectedData } from "./page-rows.ts";
import type { BuildPlan } from "./plan-clips.ts";
import { buildFolder, type ClipSettings } from "./protocol.ts";
import { type makeRules, RuleCheck } from "./rule-check.ts";
import { Tally } from "./tally.ts";
import { removeBegun } from "./work-folder.ts";

/** Clips that were made, and what a data set is put together by. */
export interface MadeClips extends Awaited<ReturnType<typeof makeRules>> {
  readonly split: SplitShares | undefined;
  /** File that the decisions were read from; its hash is part of the recipe. */
  readonly decisionsFile: string | undefined;
  readonly settings: ClipSettings;
  readonly decisions: Decisions;
  readonly plan: BuildPlan;
  readonly out: string;
}

/** What was counted on the way. */
export interface PutTogether {
  readonly tally: Tally;
  readonly rejections: RejectionCounts;
  readonly leak: ReturnType<Tally["textLeak"]>;
  readonly description: DatasetDescription;
  readonly warnings: readonly string[];
}

/** Samples, rejections, card and page of clips that were made, each clip's results read once. */
export const putTogether = async (
  { split, decisionsFile, settings, rules, recipes, decisions, plan, out }: MadeClips,
  context: JobContext,
): Promise<PutTogether> => {
  const check = new RuleCheck(rules, decisions);
  const tally = new Tally();
  const rejections = new RejectionCounts();
  const warnings: string[] = [...plan.notes];
  let leak = tally.textLeak();
  const page = new SetPage(join(out, buildFolder, "rows.html"));
  const description = await assembleDataset({
    out,
    plan,
    check,
    store: settings.store,
    ...(split && { split }),
    recipe: {
      name: "build",
      params: {
        sources: plan.sources,
        settings,
        rules: recipes,
        ...(split && { split }),
        ...(decisionsFile !== undefined && {
          decisions: sha256(readFileSync(decisionsFile)),
        }),
      },
    },
    onClip: (clip) => tally.addClip(clip),
    onRow: (assembled) => {
      tally.add(assembled);
      page.add(pairData(assembled, plan));
    },
    onRejection: (rejection, isRow) => {
      rejections.add(rejection);
      if (isRow) page.add(rejectedData(rejection));
    },
    card: (described) => {
      leak = tally.textLeak();
      const strangers = decisions.strangers();
      if (strangers.length > 0)
        warnings.push(
          `${strangers.length} decisions are about nothing in this data set: ${strangers.slice(0, 3).join(", ")}`,
        );
      const ambiguous = decisions.ambiguous();
      if (ambiguous.length > 0)
        warnings.push(
          `${ambiguous.length} decisions fit rows of several sources, and the first source's were meant: ${ambiguous.slice(0, 3).join(", ")}`,
        );
      if (check.overruled > 0)
        warnings.push(`${check.overruled} samples stay by decision of a person against a rule`);
      const title = basename(out);
      return datasetCard({ title, plan, tally, leak, rejections, warnings, description: described });
    },
    progress: context.progress("assemble", "steps"),
    signal: context.signal,
  });
  page.close();
  page.write(join(out, "index.html"), {
    title: basename(out),
    description,
    pairs: tally.pairs,
    decisionsSchema: decisionsSchemaName,
  });
  removeBegun(out);
  return { tally, rejections, leak, description, warnings };
};
