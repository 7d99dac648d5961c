/** Our side of `absent-pairs` and `absent-pairs-virtual`: MODE (files or virtual), OUT, then the clips. */
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { buildPair } from "../../src/absent/build-pair.ts";
import { absentBuilders } from "../../src/absent/builders.ts";
import { writePair } from "../../src/absent/write-pair.ts";
import { sha256OfFile } from "../../src/core/files.ts";
import { chooseRelevance } from "../../src/selection/relevance-choice.ts";
import { openVideoService } from "../../src/video/service.ts";
import { indicesForFps } from "../../src/video/timeline.ts";
import { answerRounds } from "../answer-rounds.ts";

const [mode, out, ...clips] = process.argv.slice(2);
const video = openVideoService();
const relevance = await chooseRelevance("motion");
const builder = await absentBuilders.make("previous-frame");

/** @returns scores, the largest of them 1: the unit is the clip's own spread, which the resizer's rounding moves */
const makePair = async (file: string): Promise<readonly number[]> => {
  const info = await video.probe(file);
  const indices = indicesForFps(info.timeline, 8);
  const scale = Math.min(1, relevance.definition.inputPixels / Math.max(info.width, info.height));
  const size = { width: Math.round(info.width * scale), height: Math.round(info.height * scale) };
  const { pair } = await buildPair({
    clip: { file, sha256: await sha256OfFile(file) },
    full: info.timeline,
    sampled: indices.map((at) => info.timeline[at]!),
    frames: video.frames(file, {
      select: { kind: "indices", indices },
      size,
      resizer: relevance.definition.resizer,
    }),
    caption: "",
    keywords: [],
    relevance: relevance.made,
    peaks: relevance.definition.keyFrameRule,
    builder,
    seed: 0,
  });
  const folder = join(out!, basename(file));
  await writePair({ video, file, info, pair, folder, virtual: mode === "virtual", measureFidelity: false });
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
      scores[at] = await makePair(clips[at]!);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return { value: (60_000 * clips.length) / (performance.now() - start), result: scores.flat() };
});
await video.close();
