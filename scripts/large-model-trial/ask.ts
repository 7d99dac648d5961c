/** Part of `large-model-trial.ts`: node ask.ts CHECKPOINT CLIP float32|int8 [ADAPTER]. */
import { availableParallelism } from "node:os";
import { processorAnswerer } from "../../src/cli/ask/processor-answerer.ts";
import { clipPictures, peakMemory } from "./clip-pictures.ts";

const [folder, clip, form, adapter] = process.argv.slice(2) as [string, string, "float32" | "int8", string?];
const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
const timed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
  const start = performance.now();
  return [await work(), performance.now() - start];
};

const options = { threads: availableParallelism(), decodeWeights: form };
const [model, load] = await timed(() => processorAnswerer(folder, options, adapter));
await using answerer = model;
const loaded = peakMemory();
const pictures = await clipPictures(clip, answerer);
const more = 8;
const answer = (tokens: number): Promise<[string, number]> =>
  timed(() => answerer.answer(pictures, "What happens in this clip?", tokens));
// The second round finds compiled graphs; one token needs the prefill only.
await answer(2);
const [, first] = await answer(1);
const [text, all] = await answer(1 + more);
console.log(
  `ask, matrices of decoding ${form}${adapter === undefined ? "" : ", with the adapter"}: loaded in ${seconds(load)} (${loaded}); ` +
    `${pictures.frames.length} frames of ${pictures.width} x ${pictures.height}: prefill ${seconds(first)}, then ${seconds((all - first) / more)} a token; ` +
    `peak ${peakMemory()}; answer ${JSON.stringify(text)}`,
);
