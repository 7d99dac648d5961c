// Our side of grpo-step-small: node grpo-step.ts <folder> <shape> <threads>
import type { FeedArray } from "../../src/engine/contract.ts";
import { ModelWeights } from "../../src/engine/model-weights.ts";
import { wholeGraphEngine } from "../../src/engine/onnx/open.ts";
import { takeStep } from "../../src/engine/take-step.ts";
import { tokenOverlapEntailment } from "../../src/grading/entailment.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { makeLosses, sumOfLosses } from "../../src/objectives/losses.ts";
import { clipPromptLayout, type Prompt } from "../../src/training/clip-prompts.ts";
import { type JudgedGroup, policyBatches } from "../../src/training/policy-batches.ts";
import type { Drawn } from "../../src/training/prompt-layout.ts";
import { type Group, rollOut } from "../../src/training/rollout.ts";
import { answerRounds } from "../answer-rounds.ts";
import {
  givenAdvantage,
  givenLogprob,
  givenToken,
  givenWork,
  grpoPrompts,
  grpoTokens,
  grpoWork,
} from "./grpo-work.ts";
import { openShape } from "./shape-files.ts";
import { benchUpdate, type ShapeName } from "./shapes.ts";

const [folder, name, threads] = process.argv.slice(2) as [string, ShapeName, string];
const { config, store } = await openShape(folder, name, "all");
const model = { config, weights: new ModelWeights(store), adapter: undefined };
const engine = wholeGraphEngine(model, { threads: Number(threads) });
const trainee = { engine, rules: batchRules(config), tokens: grpoTokens, tokenizerFolder: folder };
const language = {
  decode: (tokens: readonly number[]) => tokens.join(" "),
  // A token that is never drawn: every completion has all of its tokens.
  endToken: grpoTokens.video,
  refeedInstruction: [],
};
const layout = clipPromptLayout(trainee, language, { control: "none", seed: 1 });
const asking = { trainee, layout, judging: { ...language, entailment: tokenOverlapEntailment } };
const { completions, newTokens, clip, beta } = grpoWork;
const objective = sumOfLosses(await makeLosses({ "policy-gradient": { clip, beta } }));
const prompts = grpoPrompts();

/** One policy-gradient step with its update. @returns the loss */
const policyStep = async (groups: readonly Group<Prompt>[]): Promise<number> => {
  const judged = groups.map((group, p): JudgedGroup<Prompt> => {
    const advantages = Float64Array.from(group.complete, (_, g) => givenAdvantage(p, g));
    return { group, advantages, weights: new Float64Array(advantages.length).fill(1) };
  });
  const { batches, feeds } = policyBatches(judged, { temperature: 1 }, trainee, layout);
  const given: Record<string, FeedArray> = { ...feeds };
  {
    await using pass = await engine.forward(batches, { weights: "reference" });
    given["referenceLogprobs"] = pass.outputs[0]!.tokenLogprobs;
  }
  await engine.clearGradient();
  const { loss } = await takeStep(engine, batches, objective, given);
  await engine.update(benchUpdate);
  return loss;
};

const givenGroups = prompts.slice(0, givenWork.prompts).map((prompt, p): Group<Prompt> => {
  const drawn = Array.from({ length: givenWork.completions }, (_, g): Drawn => {
    const places = Array.from({ length: givenWork.tokens }, (__, i) => i);
    return {
      tokens: places.map((i) => givenToken(p, g, i)),
      logprobs: places.map((i) => givenLogprob(g, i)),
      finish: "length",
      text: "",
      refed: false,
    };
  });
  return {
    ...prompt,
    complete: drawn,
    first: drawn,
    absent: drawn,
    refeeds: [],
    firstQuality: [],
    quality: [],
  };
});
await engine.holdReference();
const losses: number[] = [];
for (let step = 0; step < givenWork.updates; step++) losses.push(await policyStep(givenGroups));
const options = {
  completions,
  maxNewTokens: newTokens,
  temperature: 1,
  refeedTries: 0,
  onExhausted: "baseOnly",
  control: "none",
  seed: 1,
} as const;
await answerRounds(async (round) => {
  const start = performance.now();
  const groups = await rollOut(asking, prompts, options, round, true);
  await policyStep(groups);
  return { value: performance.now() - start, result: losses };
});
await engine[Symbol.asyncDispose]();
