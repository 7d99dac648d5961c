import { type ResizePlan, resizePicture, resizePlan } from "../video/pillow-bicubic.ts";
import { type FrameBatch, frameBatch, pixelsOf } from "./frame-batch.ts";

let plan: ResizePlan | undefined;

/** The plan of the last sizes is kept: callers resize many pictures of one size. */
const planFor = (width: number, height: number, toWidth: number, toHeight: number): ResizePlan => {
  const same =
    plan !== undefined &&
    plan.inputWidth === width &&
    plan.inputHeight === height &&
    plan.width === toWidth &&
    plan.height === toHeight;
  if (!same) plan = resizePlan(width, height, toWidth, toHeight);
  return plan!;
};

/** Resizes one rgb24 picture, bit for bit as Pillow 13's `Image.resize(..., BICUBIC)`; see `PillowGeneration`. */
export const resizeBicubic = (
  rgb: Uint8Array,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
): Uint8Array => {
  const output = new Uint8Array(toWidth * toHeight * 3);
  resizePicture(rgb, planFor(width, height, toWidth, toHeight), output);
  return output;
};

/** Pillow's bicubic, frame by frame; the batch itself where it has that size. */
export const resizeBatch = (batch: FrameBatch, width: number, height: number): FrameBatch => {
  if (batch.width === width && batch.height === height) return batch;
  const bytes = width * height * 3;
  const pixels = new Uint8Array(batch.frames.length * bytes);
  const made = planFor(batch.width, batch.height, width, height);
  for (let i = 0; i < batch.frames.length; i++)
    resizePicture(pixelsOf(batch, i), made, pixels.subarray(i * bytes, (i + 1) * bytes));
  return frameBatch({ pixels, frames: batch.frames, width, height });
};
