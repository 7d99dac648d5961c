/**
 * Frames to patches, kept as bytes: a patch row is [channels 3, temporal 2, patch, patch]; rows of a temporal step are
 * ordered by merge unit, inside a unit row by row, as the processor orders them.
 */

/** Mean and standard deviation of each channel that Qwen2.5-VL's image processor uses (those of CLIP). */
export const channelMean = [0.48145466, 0.4578275, 0.40821073] as const;
/** See {@link channelMean}. */
export const channelStd = [0.26862954, 0.26130258, 0.27577711] as const;

/** Side of a patch in pixels, and of a merge unit in patches. */
export interface PatchShape {
  readonly patchSize: number;
  readonly spatialMergeSize: number;
}

/**
 * Patches of one temporal step as bytes.
 *
 * @param frames  `temporalPatchSize` pictures, rgb24 [height, width, 3]; sides are multiples of patch * merge
 * @param out     [patches, 3 * temporal * patch^2]
 */
export const stepPatches = (
  frames: readonly Uint8Array[],
  width: number,
  height: number,
  shape: PatchShape,
  out: Uint8Array,
): void => {
  const { patchSize: side, spatialMergeSize: merge } = shape;
  const columns = width / side / merge;
  const rows = height / side / merge;
  let at = 0;
  for (let unitRow = 0; unitRow < rows; unitRow++)
    for (let unitColumn = 0; unitColumn < columns; unitColumn++)
      for (let inside = 0; inside < merge * merge; inside++) {
        const top = (unitRow * merge + Math.floor(inside / merge)) * side;
        const left = (unitColumn * merge + (inside % merge)) * side;
        for (let channel = 0; channel < 3; channel++)
          for (const frame of frames)
            for (let y = 0; y < side; y++) {
              let from = ((top + y) * width + left) * 3 + channel;
              for (let x = 0; x < side; x++, from += 3) out[at++] = frame[from]!;
            }
      }
};

/** (level / 255 - mean) / std of every level, one table a channel; mean and deviation in units of the full range. */
export const levelTables = (mean: readonly number[], std: readonly number[]): Float32Array[] =>
  mean.map((centre, channel) =>
    Float32Array.from({ length: 256 }, (_, level) => (level / 255 - centre) / std[channel]!),
  );

const clipTables = levelTables(channelMean, channelStd);

/**
 * (level / 255 - mean) / std of patch rows: bytes [P, 3 * perChannel] to floats of the same layout, from `offset` on.
 *
 * @param tables of another mean and deviation than {@link channelMean} and {@link channelStd}
 */
export const normalizePatches = (
  bytes: Uint8Array,
  perChannel: number,
  out: Float32Array,
  offset: number,
  tables: readonly Float32Array[] = clipTables,
): void => {
  for (let start = 0; start < bytes.length; start += 3 * perChannel)
    for (let channel = 0; channel < 3; channel++) {
      const table = tables[channel]!;
      const from = start + channel * perChannel;
      const end = from + perChannel;
      for (let i = from, to = offset + from; i < end; i++, to++) out[to] = table[bytes[i]!]!;
    }
};
