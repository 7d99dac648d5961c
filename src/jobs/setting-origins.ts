import type { KnownSetting } from "../evaluation/report/settings.ts";
import { comparativeDefaults } from "../objectives/comparative-defaults.ts";

/** Defaults that are options of a training stage under the same name. */
const stated = (["lambda", "refeedTries", "onExhausted"] as const).map(
  (path): KnownSetting => ({ path, ...comparativeDefaults[path] }),
);

/** Values of training stages that the paper states, or that are ours because it says nothing. */
export const settingOrigins: readonly KnownSetting[] = [
  {
    path: "losses.contrastive.weight",
    value: 0.1,
    origin: "paper",
    what: "weight of the three InfoNCE losses",
  },
  {
    path: "losses.contrastive.block",
    value: 16,
    origin: "paper",
    what: "language block that is contrasted (of 28)",
  },
  {
    path: "losses.contrastive.temperature",
    value: 0.05,
    origin: "ours",
    what: "divides cosines in the contrastive losses",
  },
  {
    path: "encoding",
    beside: "losses.contrastive.block",
    value: "shared",
    origin: "ours",
    what: "isolated segments, one end token for every video; the paper's three tokens (literal) name the twin",
  },
  {
    path: "data.textEncoder",
    beside: "losses.contrastive.block",
    value: "language model",
    origin: "ours",
    what: "states of texts; the paper names BERT, whose vectors are not comparable with a language model's states",
  },
  {
    path: "data.keywords",
    beside: "losses.contrastive.block",
    value: "script",
    origin: "ours",
    what: "the world's script says what happens; the paper asks GPT-4",
  },
  {
    path: "data.pairs.peaks.topK",
    beside: "losses.contrastive.block",
    value: 1,
    origin: "ours",
    what: "key frames of a clip; the paper takes every local maximum, and one cannot cover two events",
  },
  {
    path: "data.pairs.builder",
    beside: "losses.contrastive.block",
    value: "span",
    origin: "ours",
    what: "the whole stretch around a peak is replaced; the paper replaces the peak by the frame before it",
  },
  {
    path: "contrastLearningRate",
    beside: "losses.contrastive.block",
    value: null,
    origin: "ours",
    what: "none: one update for all losses; the paper has a rate of its own for contrast, its value is lost",
  },
  {
    path: "blindClipsPerStep",
    value: 0,
    origin: "ours",
    what: "clips without pictures in a step; they take no part in contrast",
  },
  {
    path: "instructionShare",
    value: 0,
    origin: "ours",
    what: "questions that the refeed's instruction follows, so that RL does not meet it for the first time",
  },
  {
    path: "viewDropout",
    value: 0.1,
    origin: "ours",
    what: "on visual tokens that enter the language model, in the second view",
  },
  {
    path: "clipsPerStep",
    beside: "textsPerClip",
    value: 16,
    origin: "paper",
    what: "clips in one optimizer step",
  },
  { path: "promptsPerStep", value: 8, origin: "paper", what: "prompts in one optimizer step of RL" },
  { path: "completions", value: 8, origin: "ours", what: "completions of a prompt, of each clip" },
  { path: "beta", value: 0.04, origin: "ours", what: "weight of the KL penalty to the model RL began with" },
  ...stated,
];
