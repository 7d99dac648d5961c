import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError, UnsupportedError } from "../../core/errors.ts";
import { loadTransformers } from "../../core/transformers-js.ts";
import { defineEntailment, type EntailmentPlugin } from "../entailment-providers.ts";

type Tokenizer = ((
  text: string,
  options: object,
) => { readonly input_ids: { readonly dims: readonly number[] } }) & { readonly model_max_length?: number };
type Model = ((inputs: object) => Promise<{ readonly logits: { readonly data: Float32Array } }>) & {
  readonly config: { readonly id2label?: Readonly<Record<string, string>> };
  readonly sessions?: { readonly model?: { readonly inputNames?: readonly string[] } };
};
interface Loader<T> {
  from_pretrained(name: string, options: object): Promise<T>;
}
interface Library {
  readonly AutoTokenizer: Loader<Tokenizer>;
  readonly AutoModelForSequenceClassification: Loader<Model>;
}

/** Pairs whose probability is kept; RL asks about the same short answers again and again. */
const mostKept = 20_000;

/** Where "entailment" is among a classifier's labels, whatever their order and writing. */
const entailmentLabel = (labels: Readonly<Record<string, string>>, where: string): number => {
  const found = Object.entries(labels).find(([, label]) => /^entail/i.test(label));
  if (found === undefined)
    throw new UnsupportedError("not a model of natural language inference", {
      where,
      expected: 'a label "entailment"',
      got: Object.values(labels).join(", ") || "no labels",
    });
  return Number(found[0]);
};

const probabilityAt = (logits: Float32Array, label: number): number => {
  const top = Math.max(...logits);
  const weights = Array.from(logits, (logit) => Math.exp(logit - top));
  return weights[label]! / weights.reduce((sum, weight) => sum + weight, 0);
};

/**
 * Both sides, the longer one without its last words until the model can read them; the library would cut the joined text
 * at its end, which is the hypothesis.
 */
const readable = (premise: string, hypothesis: string, tokenizer: Tokenizer): [string, string] => {
  const sides = [premise, hypothesis].map((text) => text.split(/\s+/)) as [string[], string[]];
  const most = tokenizer.model_max_length ?? Number.POSITIVE_INFINITY;
  const length = (): number =>
    tokenizer(sides[0].join(" "), { text_pair: sides[1].join(" ") }).input_ids.dims.at(-1) ?? 0;
  while (length() > most) {
    const longer = sides[0].length >= sides[1].length ? sides[0] : sides[1];
    if (longer.length < 2) break;
    longer.pop();
  }
  return [sides[0].join(" "), sides[1].join(" ")];
};

const open = async (
  folder: string,
  dtype: string,
): Promise<(premise: string, hypothesis: string) => Promise<number>> => {
  const { library, name, isLocal } = await loadTransformers<Library>(folder);
  if (isLocal)
    for (const file of ["config.json", "tokenizer.json"])
      if (!existsSync(join(folder, file)))
        throw new ConfigError("the model folder lacks a file", { where: folder, expected: file });
  const tokenizer = await library.AutoTokenizer.from_pretrained(name, {});
  const model = await library.AutoModelForSequenceClassification.from_pretrained(name, { dtype });
  const label = entailmentLabel(model.config.id2label ?? {}, folder);
  // A network that tells the two sides apart must be told; the library would put zeros there for most tokenizers.
  const tellsSides = model.sessions?.model?.inputNames?.includes("token_type_ids") ?? false;
  const options = tellsSides ? { return_token_type_ids: true } : {};
  return async (premise, hypothesis) => {
    const [first, second] = readable(premise, hypothesis, tokenizer);
    const { logits } = await model(tokenizer(first, { text_pair: second, truncation: true, ...options }));
    return probabilityAt(logits.data, label);
  };
};

/** A model of natural language inference in the folder layout of transformers.js; opened at the first question. */
const nli: EntailmentPlugin = defineEntailment({
  summary: 'a sequence classifier with a label "entailment" (nli:FOLDER, ONNX, transformers.js)',
  source: "VideoPerceiver (arXiv 2511.18823), Q for open questions",
  params: z.strictObject({
    model: z
      .string()
      .describe("folder with config.json, tokenizer.json, onnx/model.onnx; or a name of the hub"),
    dtype: z.enum(["fp32", "fp16", "q8", "int8", "q4"]).default("fp32").describe("which weights of onnx/"),
  }),
  argument: "model",
  create: ({ model, dtype }) => {
    const kept = new Map<string, Promise<number>>();
    let opened: ReturnType<typeof open> | undefined;
    return {
      name: `nli:${model}`,
      entails: (premise, hypothesis) => {
        const key = JSON.stringify([premise, hypothesis]);
        const known = kept.get(key);
        if (known !== undefined) return known;
        opened ??= open(model, dtype);
        const asked = opened.then((entails) => entails(premise, hypothesis));
        asked.catch(() => kept.delete(key));
        if (kept.size >= mostKept) kept.clear();
        kept.set(key, asked);
        return asked;
      },
    };
  },
});
export default nli;
