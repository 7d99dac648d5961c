import { DataFormatError } from "../core/errors.ts";
import { frameIndex, seconds } from "../core/units.ts";
import { frameBatch, pixelsOf } from "../frames/frame-batch.ts";
import { resizeAntialias } from "../frames/resize-antialias.ts";
import type { Size } from "../frames/smart-resize.ts";
import { type Comparison, compareShaped, type ShapedNumbers } from "./comparison.ts";
import { familyOf } from "./families.ts";
import { openFixture, type ProcessorCase, type ProcessorFixture } from "./fixture.ts";
import {
  loadProcessor,
  type Media,
  type Processed,
  type Processor,
  type Resize,
  type Visual,
} from "./processor.ts";
import type { MediaPart } from "./processor-rules.ts";

/** The comparison of one item of one case. */
export interface ItemReport extends Comparison {
  readonly item: string;
}

/** All items of a case. */
export interface CaseReport {
  readonly name: string;
  readonly items: readonly ItemReport[];
}

const readMedia = async (fixture: ProcessorFixture, name: string): Promise<Media> => {
  const shape = fixture.tensors.tensors.get(name)?.shape;
  const [count, height, width, colours] = shape ?? [];
  if (count === undefined || height === undefined || width === undefined || colours !== 3)
    throw new DataFormatError("fixture frames", {
      where: name,
      expected: "[T, H, W, 3]",
      got: String(shape),
    });
  const frames = Array.from({ length: count }, (_, at) => ({
    index: frameIndex(at),
    timeSeconds: seconds(at),
  }));
  return { frames: frameBatch({ pixels: await fixture.tensors.readBytes(name), frames, width, height }) };
};

const joined = (visuals: readonly Visual[]): Float32Array => {
  const all = new Float32Array(visuals.reduce((sum, { rows_PX }) => sum + rows_PX.length, 0));
  let at = 0;
  for (const { rows_PX } of visuals) {
    all.set(rows_PX, at);
    at += rows_PX.length;
  }
  return all;
};

const mediaNames = (one: ProcessorCase): string[] =>
  one.messages.flatMap(({ content }) =>
    content.flatMap((part) =>
      part.type === "text" ? [] : [part.type === "video" ? part.video : part.image],
    ),
  );

interface MadeVisual {
  readonly part: MediaPart;
  readonly media: Media;
  readonly visual: Visual;
}

const encodeCase = async (
  fixture: ProcessorFixture,
  one: ProcessorCase,
  processor: Processor,
): Promise<{ made: Processed; visuals: Map<string, MadeVisual> }> => {
  const media = new Map<string, Media>();
  for (const name of mediaNames(one)) media.set(name, await readMedia(fixture, `${one.name}/${name}`));
  const visuals = new Map<string, MadeVisual>();
  const made = processor.encode(
    one.messages,
    (part) => {
      const name = part.type === "video" ? part.video : part.image;
      const visual = processor.visual(part, media.get(name)!);
      visuals.set(name, { part, media: media.get(name)!, visual });
      return visual;
    },
    { addGenerationPrompt: one.addGenerationPrompt },
  );
  return { made, visuals };
};

/**
 * Resized frames as a fixture has them: as the model takes them, or where the processor resizes once more as they were
 * before.
 */
const resizedAs = (
  [, height, width]: readonly number[],
  { part, media: { frames: batch }, visual }: MadeVisual,
  processor: Processor,
): ShapedNumbers => {
  const shaped = ({ size, resized }: Visual): ShapedNumbers => ({
    shape: [resized.length / (size.width * size.height * 3), size.height, size.width, 3],
    data: resized,
  });
  const [first, second] = processor.sizesOf(part, batch, batch.frames.length) as [Size, Size?];
  if (second === undefined || first.width !== width || first.height !== height) return shaped(visual);
  const before = batch.frames.map((_, at) => processor.bring(pixelsOf(batch, at), batch, [first]));
  return shaped(processor.cut(part.type, before, first));
};

const gridNumbers = (visuals: readonly Visual[]): ShapedNumbers => ({
  shape: [visuals.length, 3],
  data: visuals.flatMap(({ grid }) => grid),
});

const patchNumbers = (visuals: readonly Visual[]): ShapedNumbers => {
  const data = joined(visuals);
  const rows = visuals.reduce((sum, { grid: [t, h, w] }) => sum + t * h * w, 0);
  return { shape: [rows, rows === 0 ? 0 : data.length / rows], data };
};

const flat = (data: ArrayLike<number>, batch = false): ShapedNumbers => ({
  shape: batch ? [1, data.length] : [data.length],
  data,
});

const checkCase = async (
  fixture: ProcessorFixture,
  one: ProcessorCase,
  processor: Processor,
): Promise<CaseReport> => {
  const { made, visuals } = await encodeCase(fixture, one, processor);
  const { tensors, tolerances } = fixture;
  const items: ItemReport[] = [];
  const shapeOf = (what: string): readonly number[] | undefined =>
    tensors.tensors.get(`${one.name}/${what}`)?.shape;
  /** Compares what the fixture has or we made; what neither has is no item. */
  const check = async (what: string, got: ShapedNumbers, absolute: number, exact: boolean): Promise<void> => {
    const shape = shapeOf(what);
    if (shape === undefined && got.data.length === 0) return;
    const name = `${one.name}/${what}`;
    const data =
      shape === undefined ? [] : await (exact ? tensors.readIntegers(name) : tensors.readFloats(name));
    items.push({ item: what, ...compareShaped({ shape: shape ?? [0], data }, got, { absolute }) });
  };
  const batched = shapeOf("input_ids")?.length === 2;
  const points = (text: string): number[] => Array.from(text, (character) => character.codePointAt(0)!);
  items.push({
    item: "text",
    ...compareShaped(flat(points(one.text)), flat(points(made.text)), { absolute: 0 }),
  });
  await check("input_ids", flat(made.inputIds, batched), 0, true);
  await check("attention_mask", flat(new Int32Array(made.inputIds.length).fill(1), batched), 0, true);
  await check("image_grid_thw", gridNumbers(made.images), 0, true);
  await check("video_grid_thw", gridNumbers(made.videos), 0, true);
  await check("second_per_grid_ts", flat(made.videos.map(({ secondsPerGrid }) => secondsPerGrid)), 0, false);
  for (const [name, visual] of visuals) {
    const what = name.replace(/^frames\./, "resized.");
    await check(what, resizedAs(shapeOf(what) ?? [], visual, processor), tolerances.resizedMaxStep, false);
  }
  await check("pixel_values", patchNumbers(made.images), tolerances.pixelValuesAbsolute, false);
  await check("pixel_values_videos", patchNumbers(made.videos), tolerances.pixelValuesAbsolute, false);
  return { name: one.name, items };
};

/**
 * Runs our processor on every case of a processor fixture and compares text, ids, grids, resized frames and pixel
 * values.
 *
 * @throws {DataFormatError} when the folder is not a processor fixture
 */
export const verifyProcessorFixture = async (
  folder: string,
  resize: Resize = resizeAntialias,
): Promise<CaseReport[]> => {
  const fixture = await openFixture(folder);
  try {
    if (fixture.kind !== "processor")
      throw new DataFormatError("fixture", { where: folder, expected: 'kind "processor"', got: '"model"' });
    const processor = loadProcessor(fixture.processor, familyOf(fixture).processor, resize);
    const reports: CaseReport[] = [];
    for (const one of fixture.cases) reports.push(await checkCase(fixture, one, processor));
    return reports;
  } finally {
    await fixture.close();
  }
};
