import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import {
  defineExportFormat,
  type ExportFormatPlugin,
  type ExportPlace,
  type ExportSample,
} from "../export.ts";
import { SplitFiles } from "../export-files.ts";
import { type HubColumn, hubFeatures, storedColumns } from "../hub-features.ts";
import { ParquetFile } from "../parquet-file.ts";
import { questionText } from "../question.ts";

const params = z.strictObject({
  clips: z
    .enum(["embedded", "files"])
    .default("embedded")
    .describe("films inside the Parquet files, or as files that the rows name by absolute path"),
  shardBytes: z
    .int()
    .min(1)
    .default(500e6)
    .describe("films of one Parquet file before the next one begins, in bytes"),
});

const text: HubColumn = { kind: "text" };
const times: HubColumn = { kind: "number", list: true };
const places: HubColumn = { kind: "integer", list: true };

const columns: Readonly<Record<string, HubColumn>> = {
  id: text,
  video: { kind: "video" },
  absent_video: { kind: "video" },
  question: text,
  answer: text,
  answer_kind: text,
  options: { kind: "text", list: true },
  messages: text,
  skill: text,
  keywords: { kind: "text", list: true },
  events: {
    kind: "group",
    list: true,
    fields: { startSeconds: { kind: "number" }, endSeconds: { kind: "number" }, what: text },
  },
  frame_times: times,
  frames: places,
  key_frames: places,
  replaced_frames: places,
  shown_instead: places,
  builder: text,
  source_sha256: text,
  provenance: text,
};

const whole = (values: readonly number[]): bigint[] => values.map(BigInt);

/** A film as `datasets` stores it. */
const filmOf = (
  { folder, finalFolder }: ExportPlace,
  file: string,
  embedded: boolean,
): { bytes: Uint8Array | null; path: string } =>
  embedded
    ? { bytes: readFileSync(join(folder, file)), path: basename(file) }
    : { bytes: null, path: join(finalFolder, file) };

const rowOf = (
  place: ExportPlace,
  { sample, clip, absent }: ExportSample,
  embedded: boolean,
): Record<string, unknown> => {
  const twin = sample.absent;
  return {
    id: sample.id,
    video: filmOf(place, clip, embedded),
    ...(absent !== undefined && { absent_video: filmOf(place, absent, embedded) }),
    question: questionText(sample),
    answer: sample.answer,
    answer_kind: sample.answerKind,
    options: sample.options ?? [],
    messages: JSON.stringify(sample.messages),
    skill: sample.skill ?? "",
    keywords: sample.keywords ?? [],
    events: sample.events ?? [],
    frame_times: sample.clip.timeline.map(({ timeSeconds }): number => timeSeconds),
    ...(sample.frames && { frames: whole(sample.frames) }),
    ...(twin && {
      key_frames: whole(twin.keyFrames),
      replaced_frames: whole(twin.replacements.map(({ index }) => index)),
      shown_instead: whole(twin.replacements.map(({ from }) => from)),
      builder: JSON.stringify(twin.builder),
    }),
    source_sha256: sample.clip.sha256,
    provenance: JSON.stringify(sample.provenance),
  };
};

/** The files of one part, numbered; a new one begins when the films of the last fill it. */
class Shards {
  readonly #place: ExportPlace;
  readonly #split: string;
  readonly #most: number;
  #current: ParquetFile | undefined;
  #bytes = 0;
  #count = 0;
  rows = 0;
  readonly file: string;
  constructor(place: ExportPlace, split: string, most: number) {
    this.#place = place;
    this.#split = split;
    this.#most = most;
    this.file = join(place.folder, "data", split);
  }
  add(row: Record<string, unknown>, bytes: number): void {
    if (this.#current !== undefined && this.#bytes >= this.#most) this.close();
    this.#current ??= new ParquetFile(
      join(this.#place.folder, "data", `${this.#split}-${String(this.#count++).padStart(5, "0")}.parquet`),
      storedColumns(columns),
      hubFeatures(columns),
    );
    this.#current.add(row, bytes);
    this.#bytes += bytes;
    this.rows++;
  }
  close(): void {
    this.#current?.close();
    this.#current = undefined;
    this.#bytes = 0;
  }
  discard(): void {
    this.#current?.discard();
  }
}

/** The layout that `datasets` and the hub's viewer read by themselves. */
const format: ExportFormatPlugin = defineExportFormat({
  summary: "a Hugging Face data set: Parquet with clips and twins embedded, or named (clips=files)",
  source: "datasets 5.2, features Video and List in the Parquet metadata",
  params,
  create: ({ clips, shardBytes }) => {
    const embedded = clips === "embedded";
    return {
      needs: "twin",
      keepsFilms: !embedded,
      folders: ["data"],
      refuses: () => undefined,
      open: (place) => {
        const shards = new SplitFiles((split) => new Shards(place, split, shardBytes));
        return {
          add: async (exported) => {
            const row = rowOf(place, exported, embedded);
            const films = [exported.clip, ...(exported.absent === undefined ? [] : [exported.absent])];
            const bytes = embedded
              ? films.reduce((sum, file) => sum + statSync(join(place.folder, file)).size, 0)
              : 0;
            shards.of(exported.split).add(row, bytes);
            return { rows: 1 };
          },
          finish: async () => shards.close(),
          discard: () => shards.discard(),
        };
      },
      readmeHead: (splits) =>
        [
          "---",
          "configs:",
          "- config_name: default",
          "  data_files:",
          ...splits.flatMap((split) => [`  - split: ${split}`, `    path: data/${split}-*.parquet`]),
          "---",
          "",
        ].join("\n"),
      readme: ({ finalFolder }) => `    from datasets import load_dataset
    data = load_dataset("${finalFolder}")        # or push the folder to the hub and load it by name
    data["train"][0]["video"]                    # a decoder (torchcodec); absent_video is the twin

\`frame_times\` are the true times of the clip's frames in seconds; \`replaced_frames\` of the twin show the frames
\`shown_instead\`. \`frames\`, where it stands, are those that the sample is about, at uneven times.`,
    };
  },
});

export default format;
