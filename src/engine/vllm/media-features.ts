/**
 * Pictures of a prompt as vLLM's `/inference/v1/generate` takes them: what its own processor would have made of them, so
 * that it sees the bytes that the trainer sees. With `mm_device_do_normalize`, its default, those are levels.
 *
 * @source vLLM 0.32.0, `vllm/v1/serial_utils.py` and `entrypoints/scale_out/token_in_token_out/protocol.py`
 */
import { createHash } from "node:crypto";
import { EngineError } from "../../core/errors.ts";
import { type Packable, packed } from "../../core/msgpack.ts";
import type { ServedMedia } from "./served-prompts.ts";

/** Code of raw bytes in vLLM's messages. */
const rawView = 3;

type NumberArray = Uint8Array | Float64Array | BigInt64Array;

const tensor = (type: string, shape: readonly number[], { buffer, byteOffset, byteLength }: NumberArray) => [
  type,
  shape,
  { extension: rawView, bytes: new Uint8Array(buffer, byteOffset, byteLength) },
];

/** Patches of a clip or picture as levels 0 to 255: vLLM normalises them where it computes. @returns [rows, perRow] */
const levelsOf = async ({
  steps,
}: ServedMedia): Promise<{ readonly levels: Uint8Array; readonly rows: number }> => {
  const all = await Promise.all(steps.map(({ patches }) => patches()));
  const rows = steps.reduce((sum, step) => sum + step.rows * step.columns, 0);
  const size = all.reduce((sum, { length }) => sum + length, 0);
  const levels = new Uint8Array(size);
  let at = 0;
  for (const patches of all) {
    if (!(patches instanceof Uint8Array))
      throw new EngineError("pictures that are normalised already", {
        expected: "levels, as processors with the usual mean and deviation give them",
      });
    levels.set(patches, at);
    at += patches.length;
  }
  if (size % (3 * rows) !== 0)
    throw new EngineError("patches of a picture", {
      expected: `${rows} rows of three channels`,
      got: `${size} numbers`,
    });
  return { levels, rows };
};

/** What vLLM keeps a picture under: everything that it makes of it depends on nothing else. */
const nameOf = ({ kind, steps, rate }: ServedMedia): string =>
  createHash("sha256")
    .update(JSON.stringify([kind, rate, steps.map(({ content, rows, columns }) => [content, rows, columns])]))
    .digest("hex");

const item = async (media: ServedMedia, tokensPerSecond: number | undefined): Promise<string> => {
  const { kind, steps, rate } = media;
  const { levels, rows } = await levelsOf(media);
  const { rows: height, columns: width } = steps[0]!;
  const grid = BigInt64Array.from([steps.length, height, width], BigInt);
  const flat = ["flat", { slices: [[0, rows, null]], dim: 0, keep_on_cpu: false }];
  const batched = ["batched", { keep_on_cpu: true }];
  const isClip = kind === "video";
  const fields: Record<string, unknown> = {
    [isClip ? "pixel_values_videos" : "pixel_values"]: {
      data: tensor("uint8", [rows, levels.length / rows], levels),
      field: flat,
    },
    [isClip ? "video_grid_thw" : "image_grid_thw"]: { data: tensor("int64", [3], grid), field: batched },
  };
  if (isClip && tokensPerSecond !== undefined) {
    const seconds = Float64Array.of(rate / tokensPerSecond);
    fields["second_per_grid_ts"] = { data: tensor("float64", [], seconds), field: batched };
  }
  return packed(fields as Packable).toString("base64");
};

/**
 * The field `features` of a request.
 *
 * @param tokensPerSecond positions in time a second, of a family that counts seconds
 */
export const mediaFeatures = async (
  media: readonly ServedMedia[],
  tokensPerSecond: number | undefined,
): Promise<Record<string, unknown>> => {
  const kinds = [...new Set(media.map(({ kind }) => kind))];
  const byKind = async <T>(made: (one: ServedMedia) => T | Promise<T>): Promise<Record<string, T[]>> =>
    Object.fromEntries(
      await Promise.all(
        kinds.map(async (kind) => [
          kind,
          await Promise.all(media.filter((one) => one.kind === kind).map(made)),
        ]),
      ),
    ) as Record<string, T[]>;
  return {
    mm_hashes: await byKind(nameOf),
    mm_placeholders: await byKind(({ offset, length }) => ({ offset, length })),
    kwargs_data: await byKind((one) => item(one, tokensPerSecond)),
  };
};
