/** Our side of `absent-pairs` and `absent-pairs-virtual`: MODE (files or virtual), OUT, then the clips. */
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { absentBuilders } from "../../src/absent/builders.ts";
import { makePair } from "../../src/absent/make-pair.ts";
import { fileSource } from "../../src/absent/pair-source.ts";
import { scoredFrames } from "../../src/absent/scored-frames.ts";
import { writePair } from "../../src/absent/write-pair.ts";
import { sha256OfFile } from "../../src/core/files.ts";
import { chooseRelevance } from "../../src/selection/relevance-choice.ts";
import { openVideoService } from "../../src/video/service.ts";
import { answerRounds } from "../answer-rounds.ts";

const [mode, out, ...clips] = process.argv.slice(2);
const video = openVideoService();
const relevance = await chooseRelevance("motion");
const builder = await absentBuilders.make("previous-frame");

/** @returns scores, the largest of them 1: the unit is the clip's own spread, which the resizer's rounding moves */
const madePair = async (file: string): Promise<readonly number[]> => {
  const info = await video.probe(file);
  const source = await fileSource(video, file, sha256OfFile);
  const { pair, view } = await makePair(source, {
    caption: "",
    keywords: [],
    relevance,
    builder,
    seed: 0,
    sampled: scoredFrames(source.timeline, 8),
  });
  const folder = join(out!, basename(file));
  const virtual = mode === "virtual";
  await writePair({ video, file, info, pair, view, folder, virtual, measureFidelity: false });
  const largest = Math.max(...pair.scores);
  return pair.scores.map((score) => score / largest);
};

await answerRounds(async () => {
  const start = performance.now();
  const scores: (readonly number[])[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < clips.length) {
      const at = next++;
      scores[at] = await madePair(clips[at]!);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return { value: (60_000 * clips.length) / (performance.now() - start), result: scores.flat() };
});
await video.close();
