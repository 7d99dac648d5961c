import { fileURLToPath } from "node:url";
import { seededRandom } from "../../src/core/random.ts";
import type { Engine } from "../../src/engine/contract.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { readRollouts, readRun } from "../../src/runs/read-run.ts";
import { clipPromptLayout, type Prompt, promptsInMemory } from "../../src/training/clip-prompts.ts";
import { trainComparativeGrpoFrom } from "../../src/training/comparative-grpo.ts";
import { type GrpoOptions, grpoParams } from "../../src/training/grpo-options.ts";
import type { LoopContext } from "../../src/training/loop.ts";
import { policyFault } from "./policy-fault.ts";
import { somePicture, someWords, type Work, workTokens } from "./steps.ts";

/** Plug-in files of a reward and a judge that tell any two completions apart: those of random weights too. */
export const oddPlugins: readonly string[] = ["odd-letters.ts", "odd-judge.ts"].map((file) =>
  fileURLToPath(new URL(file, import.meta.url)),
);

/** What has Comparative GRPO rate by them, as `train` is told it; nothing else is rewarded. */
export const oddSettings: {
  readonly rewards: Readonly<Record<string, number>>;
  readonly entailment: string;
} = {
  rewards: { "odd-letters": 1 },
  entailment: "odd-judge",
};

/** How much is drawn. */
export interface GrpoSize {
  readonly prompts: number;
  readonly completions: number;
  readonly tokens: number;
}

/** What the step is told. */
export const grpoWorkOptions = (size: GrpoSize): GrpoOptions =>
  grpoParams.parse({
    steps: 1,
    promptsPerStep: size.prompts,
    completions: size.completions,
    maxNewTokens: size.tokens,
    refeedTries: 1,
    prefilter: { draws: 0 },
    instructionGuard: { prompts: 0 },
    schedule: { learningRate: 1e-6, warmupSteps: 0 },
    ...oddSettings,
  });

/**
 * One step of Comparative GRPO on clips of noise: roll-outs of both sides, a refeed, a reference, an update. The plug-ins
 * of {@link oddPlugins} are loaded.
 *
 * @throws {Error} when nothing came of it: advantages, the policy's term or its gradient are 0
 */
export const grpoStep = async (
  engine: Engine,
  config: ModelConfig,
  { grid: [steps, rows, columns], before }: Work,
  size: GrpoSize,
  context: LoopContext,
): Promise<Record<string, unknown>> => {
  const random = seededRandom("grpo work");
  const picture = (): Uint8Array => somePicture(rows, columns, random, config);
  const options = grpoWorkOptions(size);
  const prompts = Array.from({ length: size.prompts }, (_, i): Prompt => {
    const shown = Array.from({ length: steps }, picture);
    return {
      clip: {
        id: `clip ${i}`,
        patches: { rows, columns, secondsPerStep: 1, steps: shown },
        absentSteps: new Map([[1, picture()]]),
        keywords: [],
        texts: [],
      },
      text: {
        sampleId: `sample ${i}`,
        skill: "noise",
        question: "what ?",
        answer: `#${20 + i}`,
        answerKind: "open",
        prompt: someWords(before, random, config),
        target: someWords(2, random, config),
        aboutEvent: true,
      },
    };
  });
  const tokens = workTokens(config);
  const trainee = { engine, rules: batchRules(config), tokens, tokenizerFolder: "" };
  const language = {
    decode: (ids: readonly number[]) => ids.map((id) => `#${id}`).join(" "),
    endToken: tokens.endText,
    refeedInstruction: someWords(4, random, config),
  };
  const start = performance.now();
  const reading = { decode: language.decode, endToken: language.endToken, instruction: "look" };
  const layout = clipPromptLayout(trainee, language, options);
  // The checkpoint at the end is of the run, not of the step.
  const timed = { seconds: 0 };
  const save = engine.save.bind(engine);
  engine.save = async () => {
    timed.seconds = (performance.now() - start) / 1000;
  };
  try {
    await trainComparativeGrpoFrom(
      trainee,
      promptsInMemory(prompts, options),
      layout,
      options,
      reading,
      context,
    );
  } finally {
    engine.save = save;
  }
  const { metrics } = readRun(context.run.folder);
  const fault = policyFault(metrics, readRollouts(context.run.folder));
  if (fault !== undefined) throw new Error(fault);
  const [row] = metrics;
  const drawn = size.prompts * size.completions * 2;
  return {
    seconds: timed.seconds,
    drawnTokensPerSecond: (drawn * size.tokens) / timed.seconds,
    loss: row?.["loss"],
    policy: row?.["policy"],
    negativeShare: row?.["negativeShare"],
    positiveShare: row?.["positiveShare"],
    ratioMean: row?.["ratioMean"],
    norm: row?.["gradientNorm"],
  };
};
