import { UnsupportedError, WeightsError } from "../core/errors.ts";
import { emptyHint, unquantizedHint } from "./folder-kind.ts";
import type { Parameter } from "./parameter.ts";
import type { SafetensorsFile } from "./safetensors.ts";
import type { TensorNames } from "./tensor-names.ts";

/** The tensors that a model asks for. */
export interface WantedTensors {
  readonly parameters: readonly Parameter[];
  readonly names: Pick<TensorNames, "hubName">;
  /** Names that may be stored although the model does not read them. */
  readonly tolerated: readonly string[];
  /** Parameter -> the stored tensor that stands in for it when it is not there itself. */
  readonly standIns: ReadonlyMap<string, string>;
}

/** A tensor: its file, and the name under which it is stored there. */
export interface StoredPlace {
  readonly file: SafetensorsFile;
  readonly name: string;
}

/** At most five names and how many more there are. */
export const someNames = (names: readonly string[]): string =>
  names.slice(0, 5).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");

/** Names of what quantized files keep beside or instead of a weight, and the method that they tell of. */
const quantizedParts: readonly [pattern: RegExp, method: string][] = [
  [/\.(SCB|weight_format)$/, "bitsandbytes (int8)"],
  [/\.weight\.(absmax|quant_map|nested_absmax|quant_state\b.*)$/, "bitsandbytes (4 bits)"],
  [/\.(qweight|qzeros|g_idx)$/, "GPTQ or AWQ"],
  [/\.(weight_packed|weight_shape)$/, "compressed-tensors (int4)"],
  [/\.(weight_scale|weight_scale_inv|input_scale|weight_zero_point)$/, "FP8 or int8 with scales"],
];

/** Number types that no weight of ours has. */
const quantizedTypes: Readonly<Record<string, string>> = {
  F8_E4M3: "FP8",
  F8_E5M2: "FP8",
  I8: "int8",
  U8: "8 bits or fewer",
  I32: "packed integers",
};

/**
 * Refuses quantized weights that no configuration announced, and empty tensors.
 * @throws {UnsupportedError} naming the method
 */
const checkAreWhole = (places: ReadonlyMap<string, StoredPlace>, folder: string): void => {
  for (const [name, place] of places) {
    const { type, shape } = place.file.tensors.get(place.name)!;
    const method = quantizedParts.find(([pattern]) => pattern.test(name))?.[1] ?? quantizedTypes[type];
    if (method !== undefined)
      throw new UnsupportedError(`weights quantized with ${method}`, {
        where: folder,
        expected: "weights in float32, float16 or bfloat16",
        got: `${place.name} (${type})`,
        hint: unquantizedHint,
      });
    if (shape.includes(0))
      throw new WeightsError("empty tensors", {
        where: `${folder}, ${place.name}`,
        expected: "numbers",
        got: `[${shape}]`,
        hint: emptyHint,
      });
  }
};

const hintOf = (hint: string | undefined): { hint?: string } => (hint === undefined ? {} : { hint });

/** What to do when the word table has another number of rows than the configuration says. */
const vocabularyHint = (
  expected: readonly Parameter[],
  places: ReadonlyMap<string, StoredPlace>,
): string | undefined => {
  const tables = expected.filter(({ name }) => /^(model\.embed_tokens|lm_head)\.weight$/.test(name));
  const rows = tables.map(({ name, shape }) => {
    const place = places.get(name);
    const [got, width] = place?.file.tensors.get(place.name)?.shape ?? [];
    return { wanted: shape[0], got, fits: width === shape[1] };
  });
  const [first] = rows;
  if (first?.got === undefined || !rows.every(({ got, fits }) => fits && got === first.got)) return undefined;
  if (first.got === first.wanted) return undefined;
  return `the vocabulary was resized: set vocab_size to ${first.got} in config.json`;
};

/** Marks in stored names, and how such weights come about. */
const foreignNames: readonly (readonly [inside: RegExp, hint: string])[] = [
  [
    /\.(lora_[AB]|lora_embedding_[AB]|lora_magnitude_vector|base_layer|original_module|modules_to_save)\b/,
    "an adapter that was not merged is stored with the model: save it by merge_and_unload(), or the adapter alone",
  ],
  [
    /^(module|_orig_mod|_fsdp_wrapped_module|base_model\.model|_forward_module)\./,
    "the model was saved inside of a wrapper: save the model itself (unwrap_model(model).save_pretrained)",
  ],
];

const foreignNameHint = (unexpected: readonly string[]): string | undefined =>
  foreignNames.find(([inside]) => unexpected.some((name) => inside.test(name)))?.[1];

/** Throws unless every parameter is there with its shape; gives back the names without a place. */
export const checkTensors = (
  { parameters: expected, tolerated }: WantedTensors,
  places: ReadonlyMap<string, StoredPlace>,
  folder: string,
  unexpectedIs: "error" | "ignore",
): string[] => {
  const missing = expected.filter(({ name }) => !places.has(name)).map(({ name }) => name);
  const misShaped = expected.flatMap(({ name, shape }) => {
    const place = places.get(name);
    const stored = place?.file.tensors.get(place.name)?.shape;
    return stored === undefined ||
      (stored.length === shape.length && stored.every((side, axis) => side === shape[axis]))
      ? []
      : [`${name} [${stored}] instead of [${shape}]`];
  });
  const known = new Set([...expected.map(({ name }) => name), ...tolerated]);
  const unexpected = [...places.keys()].filter((name) => !known.has(name));
  checkAreWhole(places, folder);
  const problems = [
    ...(missing.length === 0 ? [] : [`${missing.length} missing: ${someNames(missing)}`]),
    ...(misShaped.length === 0 ? [] : [`${misShaped.length} mis-shaped: ${someNames(misShaped)}`]),
    ...(unexpected.length === 0 || unexpectedIs === "ignore"
      ? []
      : [`${unexpected.length} unexpected: ${someNames(unexpected)}`]),
  ];
  if (problems.length > 0)
    throw new WeightsError("weights do not fit the configuration", {
      where: folder,
      got: problems.join("; "),
      ...hintOf(vocabularyHint(expected, places) ?? foreignNameHint(unexpected)),
    });
  return unexpected;
};
