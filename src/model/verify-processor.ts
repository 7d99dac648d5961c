import { DataFormatError } from "../core/errors.ts";
import { frameIndex, seconds } from "../core/units.ts";
import { frameBatch } from "../frames/frame-batch.ts";
import { type Comparison, compareNumbers } from "./comparison.ts";
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

/** The comparison of one item of one case. */
export interface ItemReport extends Comparison {
  readonly item: string;
}

/** All items of a case. */
export interface CaseReport {
  readonly name: string;
  readonly items: readonly ItemReport[];
}

const exactly = { absolute: 0 };

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

const encodeCase = async (
  fixture: ProcessorFixture,
  one: ProcessorCase,
  processor: Processor,
): Promise<{ made: Processed; visuals: Map<string, Visual> }> => {
  const media = new Map<string, Media>();
  for (const name of mediaNames(one)) media.set(name, await readMedia(fixture, `${one.name}/${name}`));
  const visuals = new Map<string, Visual>();
  const made = processor.encode(
    one.messages,
    (part) => {
      const name = part.type === "video" ? part.video : part.image;
      const visual = processor.visual(part, media.get(name)!);
      visuals.set(name, visual);
      return visual;
    },
    { addGenerationPrompt: one.addGenerationPrompt },
  );
  return { made, visuals };
};

const checkCase = async (
  fixture: ProcessorFixture,
  one: ProcessorCase,
  processor: Processor,
): Promise<CaseReport> => {
  const { made, visuals } = await encodeCase(fixture, one, processor);
  const { tensors, tolerances } = fixture;
  const items: ItemReport[] = [];
  const add = (item: string, comparison: Comparison): void => void items.push({ item, ...comparison });
  const integers = async (what: string, got: ArrayLike<number>): Promise<void> => {
    const expected = tensors.tensors.has(`${one.name}/${what}`)
      ? await tensors.readIntegers(`${one.name}/${what}`)
      : [];
    if (expected.length > 0 || got.length > 0) add(what, compareNumbers(expected, got, exactly));
  };
  const floats = async (what: string, got: ArrayLike<number>, absolute: number): Promise<void> => {
    const expected = tensors.tensors.has(`${one.name}/${what}`)
      ? await tensors.readFloats(`${one.name}/${what}`)
      : [];
    if (expected.length > 0 || got.length > 0) add(what, compareNumbers(expected, got, { absolute }));
  };
  const points = (text: string): number[] => Array.from(text, (character) => character.codePointAt(0)!);
  add("text", compareNumbers(points(one.text), points(made.text), exactly));
  await integers("input_ids", made.inputIds);
  await integers("attention_mask", new Int32Array(made.inputIds.length).fill(1));
  await integers(
    "image_grid_thw",
    made.images.flatMap(({ grid }) => grid),
  );
  await integers(
    "video_grid_thw",
    made.videos.flatMap(({ grid }) => grid),
  );
  await floats(
    "second_per_grid_ts",
    made.videos.map(({ secondsPerGrid }) => secondsPerGrid),
    0,
  );
  for (const [name, { resized }] of visuals) {
    const what = name.replace(/^frames\./, "resized.");
    add(
      what,
      compareNumbers(await tensors.readBytes(`${one.name}/${what}`), resized, {
        absolute: tolerances.resizedMaxStep,
      }),
    );
  }
  await floats("pixel_values", joined(made.images), tolerances.pixelValuesAbsolute);
  await floats("pixel_values_videos", joined(made.videos), tolerances.pixelValuesAbsolute);
  return { name: one.name, items };
};

/**
 * Runs our processor on every case of a processor fixture and compares text, ids, grids, resized frames and pixel
 * values.
 *
 * @throws {DataFormatError} when the folder is not a processor fixture
 */
export const verifyProcessorFixture = async (folder: string, resize: Resize): Promise<CaseReport[]> => {
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
