import { join } from "node:path";
import { z } from "zod";
import { DataFormatError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import { explainZod } from "../core/registry.ts";
import type { Grid } from "../frames/grid.ts";
import { openSafetensors, type SafetensorsFile } from "../weights/safetensors.ts";
import type { ProcessorMessage } from "./processor.ts";

const textPart = z.object({ type: z.literal("text"), text: z.string() });
const pixels = {
  min_pixels: z.number().optional(),
  max_pixels: z.number().optional(),
  resized_height: z.number().positive().optional(),
  resized_width: z.number().positive().optional(),
};
const imagePart = z.object({ type: z.literal("image"), image: z.string(), ...pixels });
const videoPart = z.object({
  type: z.literal("video"),
  video: z.string(),
  fps: z.number().positive().optional(),
  sample_fps: z.number().positive().optional(),
  total_pixels: z.number().optional(),
  ...pixels,
});
const message = z.object({
  role: z.enum(["system", "user", "assistant"]),
  content: z.union([
    z.array(z.discriminatedUnion("type", [textPart, imagePart, videoPart])),
    z.string().transform((text) => [{ type: "text" as const, text }]),
  ]),
});

const common = {
  schema: z.literal("videoperceiver/fixture@1"),
  family: z.string(),
  made: z.record(z.string(), z.unknown()),
};

const modelFile = z.object({
  ...common,
  kind: z.literal("model").optional(),
  adapter: z.string().optional(),
  tolerances: z.object({ relativeToMax: z.number().positive(), exact: z.array(z.string()) }),
  cases: z.array(
    z.object({
      name: z.string(),
      inputs: z.array(z.string()),
      expected: z.array(z.string()),
      gradientOf: z.enum(["loss", "cotangents"]).optional(),
      newTokens: z.number().int().positive().optional(),
    }),
  ),
});

const processorFile = z.object({
  ...common,
  kind: z.literal("processor"),
  processor: z.string(),
  tolerances: z.object({
    exact: z.array(z.string()),
    resizedMaxStep: z.number().min(0),
    pixelValuesAbsolute: z.number().min(0),
  }),
  cases: z.array(
    z.object({
      name: z.string(),
      messages: z.array(message),
      addGenerationPrompt: z.boolean(),
      text: z.string(),
    }),
  ),
});

/** Inputs of a case, read into memory. B rows of T columns; P patches of 1176 numbers. */
export interface CaseInputs {
  readonly rows: number;
  readonly columns: number;
  readonly inputIds_BT: Int32Array;
  readonly attentionMask_BT: Int32Array;
  readonly imageGrids: readonly Grid[];
  readonly videoGrids: readonly Grid[];
  readonly pixelValues_PX: Float32Array | undefined;
  readonly pixelValuesVideos_PX: Float32Array | undefined;
  readonly secondsPerGrid: Float32Array | undefined;
  readonly labels_BT: Int32Array | undefined;
  /** [B, T - 1] */
  readonly cotangentOfLogprobs: Float32Array | undefined;
  /** Language block (1-based) -> [B, T, hidden]. */
  readonly cotangentOfHidden: ReadonlyMap<number, Float32Array>;
}

/** Recorded from the reference, row-major. */
export interface ExpectedValue {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

export interface ModelCase {
  readonly name: string;
  /** Names of the expected values: `position_ids`, `vision.images`, `hidden.3`, `grad.<parameter>`, ... */
  readonly expected: readonly string[];
  readonly gradientOf: "loss" | "cotangents";
  readonly newTokens: number | undefined;
  inputs(): Promise<CaseInputs>;
  /** @throws {DataFormatError} when the tensor is not there */
  value(what: string): Promise<ExpectedValue>;
}

/** A fixture with a checkpoint. */
export interface ModelFixture {
  readonly kind: "model";
  readonly folder: string;
  readonly checkpoint: string;
  readonly adapter: string | undefined;
  readonly relativeToMax: number;
  /** Names of values that must be equal. */
  readonly exact: readonly string[];
  readonly cases: readonly ModelCase[];
  close(): Promise<void>;
}

/** One case of a processor fixture; media parts name `frames.<i>`. */
export interface ProcessorCase {
  readonly name: string;
  readonly messages: readonly ProcessorMessage[];
  readonly addGenerationPrompt: boolean;
  /** What the chat template makes of it. */
  readonly text: string;
}

/** How far a processor may be off. */
export interface ProcessorTolerances {
  readonly exact: readonly string[];
  /** In steps of 255. */
  readonly resizedMaxStep: number;
  readonly pixelValuesAbsolute: number;
}

/** A fixture of conversations. `tensors` holds what interfaces.md lists, named "<case>/<what>". */
export interface ProcessorFixture {
  readonly kind: "processor";
  /** Name of the model family. */
  readonly family: string;
  readonly folder: string;
  readonly processor: string;
  readonly tolerances: ProcessorTolerances;
  readonly cases: readonly ProcessorCase[];
  readonly tensors: SafetensorsFile;
  close(): Promise<void>;
}

/** Grids from an integer tensor [visuals, 3]. */
export const gridsFrom = (numbers: Int32Array): Grid[] =>
  Array.from({ length: numbers.length / 3 }, (_, at) => [
    numbers[3 * at]!,
    numbers[3 * at + 1]!,
    numbers[3 * at + 2]!,
  ]);

const isInteger = (tensors: SafetensorsFile, name: string): boolean =>
  ["I64", "I32"].includes(tensors.tensors.get(name)?.type ?? "");

const readInputs = async (
  tensors: SafetensorsFile,
  name: string,
  listed: readonly string[],
): Promise<CaseInputs> => {
  const at = (what: string): string => `${name}/${what}`;
  const has = (what: string): boolean => listed.includes(what);
  const integers = async (what: string): Promise<Int32Array | undefined> =>
    has(what) ? tensors.readIntegers(at(what)) : undefined;
  const floats = async (what: string): Promise<Float32Array | undefined> =>
    has(what) ? tensors.readFloats(at(what)) : undefined;
  const ids = await tensors.readIntegers(at("input_ids"));
  const [rows = 0, columns = 0] = tensors.tensors.get(at("input_ids"))!.shape;
  const cotangents = new Map<number, Float32Array>();
  for (const what of listed) {
    const block = /^cotangent\.hidden\.(\d+)$/.exec(what)?.[1];
    if (block !== undefined) cotangents.set(Number(block), await tensors.readFloats(at(what)));
  }
  return {
    rows,
    columns,
    inputIds_BT: ids,
    attentionMask_BT: (await integers("attention_mask")) ?? new Int32Array(ids.length).fill(1),
    imageGrids: gridsFrom((await integers("image_grid_thw")) ?? new Int32Array()),
    videoGrids: gridsFrom((await integers("video_grid_thw")) ?? new Int32Array()),
    pixelValues_PX: await floats("pixel_values"),
    pixelValuesVideos_PX: await floats("pixel_values_videos"),
    secondsPerGrid: await floats("second_per_grid_ts"),
    labels_BT: await integers("labels"),
    cotangentOfLogprobs: await floats("cotangent.token_logprobs"),
    cotangentOfHidden: cotangents,
  };
};

const modelFixture = (
  folder: string,
  json: z.output<typeof modelFile>,
  tensors: SafetensorsFile,
): ModelFixture => ({
  kind: "model",
  folder,
  checkpoint: join(folder, "checkpoint"),
  adapter: json.adapter === undefined ? undefined : join(folder, json.adapter),
  relativeToMax: json.tolerances.relativeToMax,
  exact: json.tolerances.exact,
  cases: json.cases.map(({ name, inputs, expected, gradientOf, newTokens }) => ({
    name,
    expected,
    gradientOf: gradientOf ?? "loss",
    newTokens,
    inputs: () => readInputs(tensors, name, inputs),
    value: async (what) => {
      const full = `${name}/${what}`;
      const data = await (isInteger(tensors, full) ? tensors.readIntegers(full) : tensors.readFloats(full));
      return { shape: tensors.tensors.get(full)!.shape, data };
    },
  })),
  close: () => tensors.close(),
});

/**
 * Opens a parity fixture (interfaces.md, "Parity fixture") of either kind and checks that every tensor it lists is
 * there.
 *
 * @throws {DataFormatError} when `fixture.json` is not of the format or a tensor is missing
 */
export const openFixture = async (folder: string): Promise<ModelFixture | ProcessorFixture> => {
  const file = join(folder, "fixture.json");
  const json = readJsonFile(file);
  const isProcessor = (json as { readonly kind?: unknown } | null)?.kind === "processor";
  const parsed = (isProcessor ? processorFile : modelFile).safeParse(json);
  if (!parsed.success) throw new DataFormatError("fixture", { where: file, got: explainZod(parsed.error) });
  const tensors = await openSafetensors(join(folder, "tensors.safetensors"));
  try {
    for (const one of parsed.data.cases) {
      const listed = "inputs" in one ? [...one.inputs, ...one.expected] : ["input_ids", "attention_mask"];
      const missing = listed.find((what) => !tensors.tensors.has(`${one.name}/${what}`));
      if (missing !== undefined)
        throw new DataFormatError("fixture lists a tensor that is not there", {
          where: tensors.file,
          got: `${one.name}/${missing}`,
        });
    }
  } catch (error) {
    await tensors.close();
    throw error;
  }
  if (parsed.data.kind !== "processor") return modelFixture(folder, parsed.data, tensors);
  return {
    kind: "processor",
    family: parsed.data.family,
    folder,
    processor: join(folder, parsed.data.processor),
    tolerances: parsed.data.tolerances,
    cases: parsed.data.cases,
    tensors,
    close: () => tensors.close(),
  };
};
