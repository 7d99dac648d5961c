import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { questionText } from "../../dataset/question.ts";
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

const PROMPT = [
  "Provide a detailed description of this crash video.",
  "Use clear and complete sentences with appropriate traffic and crash-related terminology.",
  "Include descriptions of weather conditions, road type, and vehicle or pedestrian appearance (such as clothing and posture).",
  "Mention vehicle speed, trajectory, and movements, as well as any changes in the pedestrian's behavior.",
  "Focus on the dynamics of the collision, including vehicle approach, pedestrian movement, and final impact.",
].join("\n");

/** VRU-Accident's dense captions, one reference a video. Captions are named `DoTA/VRU_1`. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "VRU-Accident's dense captions, compared by words",
  source: "Kimyounggun99/VRU-Accident@c5d84f6; SPICE and COMET need a scorer (docs/scorers.md)",
  params: z.strictObject({}),
  create: () => ({
    metrics: ["meteor-nltk", "rouge:1", "rouge:2", "rouge:L"],
    prompt: (sample) => ({ text: questionText(sample), textFirst: true, maxNewTokens: 200 }),
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
