import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { annotatedSample, checkedAnnotation } from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import { type BenchmarkPlugin, defineBenchmark, type OwnAnswer } from "../benchmarks.ts";

const file = z.record(z.string(), z.object({ gt: z.string() }));
const responses = z.record(z.string(), z.object({ pred: z.unknown() }));

const nameOf = (path: string): string =>
  path.replace(/^(?:\.\/)?(?:VRU_videos\/)?/, "").replace(/\.mp4$/, "");

const readResponses = (value: unknown, where: string): readonly OwnAnswer[] | undefined => {
  const parsed = responses.safeParse(value);
  if (!parsed.success) return undefined;
  return Object.entries(parsed.data).map(([video, { pred }]) => ({
    id: nameOf(video),
    answer: pred,
    where: `${where}, ${nameOf(video)}`,
  }));
};

const PROMPT =
  "Describe this crash video in detail: weather, road, appearance and movement of vehicles and pedestrians, and how the collision happens.";

/** VRU-Accident's dense captions, one reference a video. Captions are named `DoTA/VRU_1`. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "VRU-Accident's dense captions, compared by words",
  source: "Kimyounggun99/VRU-Accident@c5d84f6; its SPICE and COMET are not computed",
  params: z.strictObject({}),
  create: () => ({
    metrics: ["meteor-nltk", "rouge:1", "rouge:2", "rouge:L"],
    ownLayout: { files: /Dense_Captioning_response\.json$/, read: readResponses },
    samples: async (path) =>
      filesAt(path, /Dense_Caption\.json$/, "captions of VRU-Accident").flatMap((one) =>
        Object.entries(
          checkedAnnotation(file, readJsonFile(one), one, 'an object {"<video>": {"gt": "caption"}}'),
        ).map(([video, { gt }]) =>
          annotatedSample("vru-accident-captions", {
            id: nameOf(video),
            video: `${nameOf(video)}.mp4`,
            cluster: nameOf(video),
            question: PROMPT,
            answer: gt,
            answerKind: "open",
          }),
        ),
      ),
  }),
});
export default plugin;
