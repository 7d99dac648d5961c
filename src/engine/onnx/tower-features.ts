/**
 * What a vision tower that is not trained makes of pictures: computed once for each temporal step, kept by content.
 *
 * Legend: U visual tokens, D width.
 */
import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { MediaStep } from "../../batch/media-step.ts";
import { messageOf } from "../../core/errors.ts";
import { sha256 } from "../../core/files.ts";
import { CacheFolder } from "../../frames/cache-folder.ts";
import type { FeatureKeeping } from "../engine-plugin.ts";
import type { EmbeddedModel } from "./computation.ts";

/** Changes when the same pictures and weights would be given other numbers. */
const version = "features@1";

const bytesOf = (array: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const isOfTower = ({ name }: { readonly name: string }): boolean => name.startsWith("visual.");

/** True when nothing of the tower is trained, its adapter and the merger among it. */
export const isTowerFrozen = ({ weights }: EmbeddedModel): boolean =>
  !weights.store.trained().some(isOfTower);

/** Hash of everything that decides what the tower makes of pixels. */
const towerHash = ({ config, weights, adapter }: EmbeddedModel, how: string): string => {
  const factors = adapter?.modules.filter(isOfTower).map(({ name, factor }) => [name, factor]) ?? [];
  const hash = createHash("sha256");
  hash.update(JSON.stringify([version, how, config.family, config.vision, factors]));
  for (const { name, value } of weights.store.all().filter(isOfTower))
    hash.update(name).update(bytesOf(value));
  for (const { name, stored } of weights.halves().filter(isOfTower))
    hash.update(`${name} ${stored.type}`).update(bytesOf(stored.bits));
  return hash.digest("hex");
};

/** Features on disk, a file a step: numbers, then their checksum. What cannot be read or written is computed again. */
class StoredFeatures {
  readonly #folder: CacheFolder;

  /** @throws the system's error when the folder cannot be made */
  constructor({ folder, bytes }: NonNullable<FeatureKeeping["disk"]>) {
    this.#folder = new CacheFolder(folder, bytes);
  }

  read(key: string): Float32Array | undefined {
    const file = this.#folder.fileOf(key, "features");
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch {
      return undefined;
    }
    const numbers = bytes.subarray(0, -4);
    const isWhole = bytes.length > 4 && bytes.length % 4 === 0;
    if (!isWhole || crc32(numbers) !== bytes.readUInt32LE(numbers.length)) {
      rmSync(file, { force: true });
      return undefined;
    }
    this.#folder.touch(file);
    return new Float32Array(Uint8Array.from(numbers).buffer);
  }

  /** @throws the system's error when the disk takes no more */
  write(key: string, numbers: Float32Array): void {
    const file = this.#folder.fileOf(key, "features");
    const temporary = this.#folder.temporaryOf(file);
    const bytes = bytesOf(numbers);
    const foot = Buffer.alloc(4);
    foot.writeUInt32LE(crc32(bytes));
    try {
      writeFileSync(temporary, Buffer.concat([bytes, foot]));
      renameSync(temporary, file);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    this.#folder.added(bytes.length + foot.length);
  }
}

/**
 * Features of temporal steps, each computed alone, so that they depend on nothing but its pixels and the weights: they
 * are the same numbers whatever it is shown with, before a run was stopped and after.
 */
export class TowerFeatures {
  readonly #model: EmbeddedModel;
  readonly #how: string;
  readonly #memoryBytes: number;
  readonly #onTrouble: ((line: string) => void) | undefined;
  readonly #kept = new Map<string, Float32Array>();
  #bytes = 0;
  #disk: StoredFeatures | undefined;
  #tower: string | undefined;

  /** @param how what computes: its numbers may differ from another's in the last places */
  constructor(model: EmbeddedModel, { memoryBytes, disk, onTrouble }: FeatureKeeping, how: string) {
    this.#model = model;
    this.#how = how;
    this.#memoryBytes = memoryBytes;
    this.#onTrouble = onTrouble;
    this.#tryDisk(() => {
      if (disk !== undefined) this.#disk = new StoredFeatures(disk);
    });
  }

  /** Says that weights may have become others. */
  weightsLoaded(): void {
    this.#tower = undefined;
  }

  /** Features [U, D] of a step. @param compute makes what is not kept */
  async of({ content, form }: MediaStep, compute: () => Promise<Float32Array>): Promise<Float32Array> {
    this.#tower ??= towerHash(this.#model, this.#how);
    const key = sha256(`${this.#tower} ${form} ${content}`);
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known;
    }
    const stored = this.#disk?.read(key);
    const made = stored ?? (await compute());
    if (stored === undefined) this.#tryDisk(() => this.#disk?.write(key, made));
    this.#keep(key, made);
    return made;
  }

  #keep(key: string, made: Float32Array): void {
    this.#kept.set(key, made);
    this.#bytes += made.byteLength;
    for (const [oldest, { byteLength }] of this.#kept) {
      if (this.#bytes <= this.#memoryBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= byteLength;
    }
  }

  #tryDisk(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#disk = undefined;
      this.#onTrouble?.(`features are kept in memory only: ${messageOf(error)}`);
    }
  }
}
