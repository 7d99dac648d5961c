import { dirname, resolve } from "node:path";
import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { explainZod } from "../../core/registry.ts";
import { type JsonRecord, looksLikeJson, rowsOfRecords } from "../json-records.ts";
import { defineSource, type SourceDefinition, type SourceRow } from "../sources.ts";

const entry = z.object({
  anomaly_start: z.int(),
  anomaly_end: z.int(),
  anomaly_class: z.string(),
  num_frames: z.int().min(1),
  subset: z.string().optional(),
});

/** Who is involved, as the class says it. */
const sides: Readonly<Record<string, string>> = {
  ego: "the car with the camera",
  other: "other road users",
};

/** The class in words: `ego: moving_ahead_or_waiting`. */
const inWords = (name: string): string => {
  const [side = "", kind = ""] = name.split(":").map((part) => part.trim());
  const what = kind.replaceAll("_", " ");
  const known = sides[side];
  return known === undefined ? name.replaceAll("_", " ") : `an accident of ${known} (${what})`;
};

const rowOf = ({ value, key, name }: JsonRecord): SourceRow => {
  const parsed = entry.safeParse(value);
  if (key === undefined || !parsed.success)
    throw new DataFormatError("not an entry of DoTA", {
      expected: "anomaly_start, anomaly_end, anomaly_class, num_frames",
      ...(parsed.error && { got: explainZod(parsed.error) }),
    });
  const { anomaly_start, anomaly_end, anomaly_class, num_frames, subset } = parsed.data;
  const endFrame = Math.min(anomaly_end, num_frames);
  if (anomaly_start < 0 || endFrame <= anomaly_start)
    throw new DataFormatError("the anomaly ends before it starts", {
      got: `frames ${anomaly_start} to ${anomaly_end} of ${num_frames}`,
    });
  const caption = inWords(anomaly_class);
  return {
    id: key,
    clip: { file: key },
    caption,
    frameEvents: [{ startFrame: anomaly_start, endFrame, what: caption }],
    ...(subset !== undefined && { split: subset }),
    provenance: { source: name, anomalyClass: anomaly_class, caption },
  };
};

/** Traffic anomalies whose window, in frames of the cut clip, is the event. */
const source: SourceDefinition = defineSource({
  summary: "DoTA: metadata_train.json, metadata_val.json; the anomaly is the event",
  source: "Yao et al., Detection of Traffic Anomaly (arXiv 2004.03044)",
  params: z.strictObject({}),
  recognises: ({ isFolder, head }) =>
    !isFolder && looksLikeJson(head) && /"anomaly_start"\s*:/.test(head) && /"num_frames"\s*:/.test(head),
  create: () => ({
    folder: (place) => dirname(resolve(place)),
    rows: async function* (place) {
      yield* rowsOfRecords<SourceRow>(place, rowOf);
    },
  }),
});

export default source;
