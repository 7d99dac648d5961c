import { createHash } from "node:crypto";

/** Patches of a temporal step: levels 0 to 255, or numbers that a processor has normalised already. */
export type PatchArray = Uint8Array | Float32Array;

/** One temporal step of a picture or a clip. Equal contents are one step, wherever they are shown. */
export interface MediaStep {
  /** Name of what is shown: a hash of patches and size. */
  readonly content: string;
  /** Rows and columns of patches. */
  readonly rows: number;
  readonly columns: number;
  /** "levels": bytes. "numbers": float32, normalised. */
  readonly form: "levels" | "numbers";
  /** [rows * columns, channels * temporal * patch^2], in the order of merge units. Asked for when it is needed. */
  readonly patches: () => PatchArray | Promise<PatchArray>;
}

const known = new WeakMap<PatchArray, string>();

const hashOf = (patches: PatchArray): string => {
  const before = known.get(patches);
  if (before !== undefined) return before;
  const bytes = new Uint8Array(patches.buffer, patches.byteOffset, patches.byteLength);
  const made = createHash("sha256").update(bytes).digest("hex");
  known.set(patches, made);
  return made;
};

/** A step whose patches are in memory. The array is hashed once and must stay as it is. */
export const mediaStep = (patches: PatchArray, rows: number, columns: number): MediaStep =>
  namedStep(`${hashOf(patches)}:${rows}x${columns}`, patches, { rows, columns });

/** A step whose content was named elsewhere, with its patches. */
export const namedStep = (
  content: string,
  patches: PatchArray,
  { rows, columns }: Pick<MediaStep, "rows" | "columns">,
): MediaStep => ({
  content,
  rows,
  columns,
  form: patches instanceof Uint8Array ? "levels" : "numbers",
  patches: () => patches,
});

/** Collects steps, each content once. */
export class MediaSteps {
  readonly steps: MediaStep[] = [];
  readonly #places = new Map<string, number>();

  /** @returns the step's place among the collected ones */
  add(step: MediaStep): number {
    const place = this.#places.get(step.content);
    if (place !== undefined) return place;
    this.#places.set(step.content, this.steps.length);
    return this.steps.push(step) - 1;
  }
}
