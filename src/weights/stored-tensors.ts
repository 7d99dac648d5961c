import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { DataFormatError, WeightsError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import type { Parameter } from "./parameter.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors.ts";
import type { TensorNames } from "./tensor-names.ts";

/** Numbers in the 16-bit format of their file. */
export interface StoredBits {
  readonly type: "BF16" | "F16";
  readonly bits: Uint16Array<ArrayBuffer>;
}

/** The open weights of a folder, with all the names and shapes that its model asks for. */
export interface StoredTensors {
  readonly folder: string;
  /** Hub names of the parameters, in the order in which they were asked for. */
  names(): readonly string[];
  /** @throws {WeightsError} for a name that is not a parameter */
  shape(name: string): readonly number[];
  /** Fills `target` with the float32 values of a parameter, reading in pieces. */
  readInto(name: string, target: Float32Array): Promise<void>;
  /** The 16 bits of each number as the file has them; undefined when it has another format. */
  readBits(name: string): Promise<StoredBits | undefined>;
  /** Names in the files that the model has no place for; empty unless they were allowed. */
  readonly unexpected: readonly string[];
  close(): Promise<void>;
}

/** The tensors that a model asks for. */
export interface WantedTensors {
  readonly parameters: readonly Parameter[];
  readonly names: Pick<TensorNames, "hubName">;
  /** Names that may be stored although the model does not read them. */
  readonly tolerated: readonly string[];
}

/** How a checkpoint is opened. */
export interface OpenOptions {
  /** What to do about tensors that the model has no place for; default "error". */
  readonly unexpected?: "error" | "ignore";
}

const single = "model.safetensors";
const indexFile = "model.safetensors.index.json";

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** File of every stored name, from the index. */
const readIndex = (file: string): Map<string, string> => {
  const json = readJsonFile(file);
  const map = isObject(json) ? json["weight_map"] : undefined;
  if (!isObject(map))
    throw new DataFormatError("index of the shards", { where: file, expected: "a weight_map" });
  return new Map(
    Object.entries(map).map(([name, shard]) => {
      if (typeof shard !== "string" || basename(shard) !== shard || shard === "" || shard === "..")
        throw new DataFormatError("index of the shards", {
          where: `${file}, "${name}"`,
          expected: "the name of a file in the same folder",
          got: JSON.stringify(shard),
        });
      return [name, shard];
    }),
  );
};

/** At most five names and how many more there are. */
const some = (names: readonly string[]): string =>
  names.slice(0, 5).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");

/** Open files and, for each hub name, the file and the name under which it is stored. */
interface Stored {
  readonly files: Map<string, SafetensorsFile>;
  readonly places: Map<string, { readonly file: SafetensorsFile; readonly name: string }>;
}

const openFiles = async (
  folder: string,
  files: Map<string, SafetensorsFile>,
  { hubName }: WantedTensors["names"],
): Promise<Stored["places"]> => {
  const places: Map<string, { file: SafetensorsFile; name: string }> = new Map();
  const place = (file: SafetensorsFile, name: string): void => {
    const known = hubName(name);
    const other = places.get(known);
    if (other !== undefined)
      throw new WeightsError("one parameter is stored twice", {
        where: folder,
        got: `${other.name} in ${basename(other.file.file)} and ${name} in ${basename(file.file)}`,
        hint: "remove the shards of an earlier save, or save the model again",
      });
    places.set(known, { file, name });
  };
  if (existsSync(join(folder, single))) {
    const file = await openSafetensors(join(folder, single));
    files.set(single, file);
    for (const name of file.tensors.keys()) place(file, name);
    return places;
  }
  if (!existsSync(join(folder, indexFile))) {
    const old =
      existsSync(join(folder, "pytorch_model.bin")) ||
      existsSync(join(folder, "pytorch_model.bin.index.json"));
    throw new WeightsError("no weights", {
      where: folder,
      expected: `${single} or ${indexFile}`,
      ...(old ? { got: "pytorch_model.bin", hint: "save it again with safe_serialization=True" } : {}),
    });
  }
  const index = readIndex(join(folder, indexFile));
  const shards = [...new Set(index.values())];
  const absent = shards.filter((shard) => !existsSync(join(folder, shard)));
  if (absent.length > 0)
    throw new WeightsError("shards are missing", {
      where: folder,
      expected: `${shards.length} files that ${indexFile} names`,
      got: `${shards.length - absent.length}, without ${some(absent)}`,
      hint: "fetch or copy them again",
    });
  for (const [name, shard] of index) {
    let file = files.get(shard);
    if (file === undefined) {
      file = await openSafetensors(join(folder, shard));
      files.set(shard, file);
    }
    if (!file.tensors.has(name))
      throw new WeightsError("tensor is not in the shard that the index names", {
        where: join(folder, shard),
        got: name,
      });
    place(file, name);
  }
  // What a shard holds besides counts too: whoever loads all shards would take it.
  for (const [shard, file] of files)
    for (const name of file.tensors.keys()) if (index.get(name) !== shard) place(file, name);
  return places;
};

/** Throws unless every parameter is there with its shape; gives back the names without a place. */
const checkTensors = (
  { parameters: expected, tolerated }: WantedTensors,
  places: Stored["places"],
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
  const problems = [
    ...(missing.length === 0 ? [] : [`${missing.length} missing: ${some(missing)}`]),
    ...(misShaped.length === 0 ? [] : [`${misShaped.length} mis-shaped: ${some(misShaped)}`]),
    ...(unexpected.length === 0 || unexpectedIs === "ignore"
      ? []
      : [`${unexpected.length} unexpected: ${some(unexpected)}`]),
  ];
  if (problems.length > 0)
    throw new WeightsError("weights do not fit the configuration", {
      where: folder,
      got: problems.join("; "),
    });
  return unexpected;
};

/**
 * Opens the weights of a Hugging Face folder: one `model.safetensors`, or shards with an index; float32, float16 or
 * bfloat16.
 *
 * @throws {WeightsError} naming the missing, mis-shaped and unexpected tensors
 * @throws {DataFormatError} for a damaged file
 */
export const openStoredTensors = async (
  folder: string,
  wanted: WantedTensors,
  options: OpenOptions = {},
): Promise<StoredTensors> => {
  const files: Stored["files"] = new Map();
  const close = async (): Promise<void> => {
    for (const file of files.values()) await file.close();
  };
  try {
    const places = await openFiles(folder, files, wanted.names);
    const unexpected = checkTensors(wanted, places, folder, options.unexpected ?? "error");
    const shapes = new Map(wanted.parameters.map(({ name, shape }) => [name, shape]));
    const unknown = (name: string): WeightsError =>
      new WeightsError("no such parameter", { where: folder, got: name });
    const placeOf = (name: string): { readonly file: SafetensorsFile; readonly name: string } => {
      const place = shapes.has(name) ? places.get(name) : undefined;
      if (place === undefined) throw unknown(name);
      return place;
    };
    return {
      folder,
      unexpected,
      names: () => [...shapes.keys()],
      shape: (name) => {
        const shape = shapes.get(name);
        if (shape === undefined) throw unknown(name);
        return shape;
      },
      readInto: async (name, target) => {
        const place = placeOf(name);
        await place.file.readInto(place.name, target);
      },
      readBits: async (name) => {
        const place = placeOf(name);
        const type = place.file.tensors.get(place.name)?.type;
        if (type !== "BF16" && type !== "F16") return undefined;
        return { type, bits: new Uint16Array((await place.file.readBytes(place.name)).buffer) };
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
