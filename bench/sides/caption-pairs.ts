import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A generated caption and its reference. */
export interface CaptionTexts {
  readonly reference: string;
  readonly hypothesis: string;
}

const json = (file: string): Record<string, Record<string, string>> =>
  JSON.parse(readFileSync(file, "utf8")) as Record<string, Record<string, string>>;

/** VRU-Accident's captions by Qwen2.5-VL with their references: 610 pairs of three sets. */
export const captionPairs = (folder: string): CaptionTexts[] =>
  ["CAP_DATA", "DADA_2000", "DoTA"].flatMap((set) => {
    const references = json(join(folder, `${set}_Dense_Caption.json`));
    const responses = json(join(folder, "responses/Qwen25_VL", `${set}_Dense_Captioning_response.json`));
    return Object.entries(responses).map(([video, response]) => ({
      reference: references[video.replace(/\.mp4$/, "")]!["gt"]!,
      hypothesis: response["pred"]!,
    }));
  });
