import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { DataFormatError, WeightsError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import { checkTensors, type StoredPlace, someNames, type WantedTensors } from "./check-tensors.ts";
import { otherWeights } from "./folder-kind.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors.ts";
import { elementsOf } from "./write-safetensors.ts";

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
  /** The file that holds a parameter, and what it is called there. */
  place(name: string): { readonly file: string; readonly stored: string };
  /** Fills `target` with the float32 values of a parameter, reading in pieces. */
  readInto(name: string, target: Float32Array): Promise<void>;
  /** The 16 bits of each number as the file has them; undefined when it has another format. */
  readBits(name: string): Promise<StoredBits | undefined>;
  /** True when both names are stored (read or not), and not with the same numbers. */
  areDifferent(name: string, other: string): Promise<boolean>;
  /** Names in the files that the model has no place for; empty unless they were allowed. */
  readonly unexpected: readonly string[];
  close(): Promise<void>;
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

/** Open files and, for each hub name, its place. */
interface Stored {
  readonly files: Map<string, SafetensorsFile>;
  readonly places: Map<string, StoredPlace>;
}

/** Numbers that are compared at once. */
const comparedAtOnce = 1 << 18;

const sameNumbers = async (one: StoredPlace, other: StoredPlace): Promise<boolean> => {
  const [shape, otherShape] = [one, other].map(({ file, name }) => file.tensors.get(name)!.shape);
  if (String(shape) !== String(otherShape)) return false;
  const count = elementsOf(shape!);
  const size = Math.min(comparedAtOnce, count);
  const [a, b] = [new Float32Array(size), new Float32Array(size)];
  for (let from = 0; from < count; from += size) {
    const now = Math.min(size, count - from);
    await one.file.readInto(one.name, a.subarray(0, now), from);
    await other.file.readInto(other.name, b.subarray(0, now), from);
    for (let i = 0; i < now; i++)
      if (a[i] !== b[i] && !(Number.isNaN(a[i]) && Number.isNaN(b[i]))) return false;
  }
  return true;
};

const openFiles = async (
  folder: string,
  files: Map<string, SafetensorsFile>,
  { hubName }: WantedTensors["names"],
): Promise<Stored["places"]> => {
  const places: Stored["places"] = new Map();
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
    throw new WeightsError("no weights", {
      where: folder,
      expected: `${single} or ${indexFile}`,
      ...otherWeights(folder),
    });
  }
  const index = readIndex(join(folder, indexFile));
  const shards = [...new Set(index.values())];
  const absent = shards.filter((shard) => !existsSync(join(folder, shard)));
  if (absent.length > 0)
    throw new WeightsError("shards are missing", {
      where: folder,
      expected: `${shards.length} files that ${indexFile} names`,
      got: `${shards.length - absent.length}, without ${someNames(absent)}`,
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
    for (const [name, other] of wanted.standIns)
      if (!places.has(name) && places.has(other)) places.set(name, places.get(other)!);
    const unexpected = checkTensors(wanted, places, folder, options.unexpected ?? "error");
    const shapes = new Map(wanted.parameters.map(({ name, shape }) => [name, shape]));
    const unknown = (name: string): WeightsError =>
      new WeightsError("no such parameter", { where: folder, got: name });
    const placeOf = (name: string): StoredPlace => {
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
      place: (name) => {
        const { file, name: stored } = placeOf(name);
        return { file: file.file, stored };
      },
      readInto: async (name, target) => {
        const place = placeOf(name);
        await place.file.readInto(place.name, target);
      },
      areDifferent: async (name, other) => {
        const [one, two] = [places.get(name), places.get(other)];
        if (one === undefined || two === undefined || one === two) return false;
        return !(await sameNumbers(one, two));
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
