import sharp from "sharp";
import { expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { frameIndex, seconds } from "../../../src/core/units.ts";
import { withoutBars } from "../../../src/fragments/black-bars.ts";
import { placesApart } from "../../../src/fragments/draw-frames.ts";
import { drawSample, picturesOfSample } from "../../../src/fragments/draw-samples.ts";
import { fragmentTasks } from "../../../src/fragments/fragment-task.ts";
import { usableParts } from "../../../src/fragments/parts.ts";
import type { ShownPicture as Picture } from "../../../src/fragments/shown-picture.ts";
import { levelsBetween, levelsOf, renderedAnew, stillFiles } from "../../../src/fragments/shown-picture.ts";
import type { FrameBatch } from "../../../src/frames/frame-batch.ts";
import { frameSelectors } from "../../../src/selection/selectors.ts";

const [width, height] = [64, 48];

/** Grey pictures in which a white square stands at `x`, `y`; `light` is the grey. */
const clip = (places: readonly (readonly [x: number, y: number, light?: number])[]): FrameBatch => {
  const pixels = new Uint8Array(places.length * width * height * 3);
  places.forEach(([left, top, light = 90], t) => {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const inside = x >= left && x < left + 10 && y >= top && y < top + 10;
        pixels.fill(
          inside ? 2 * light + 30 : light + (x % 7),
          ((t * height + y) * width + x) * 3,
          ((t * height + y) * width + x) * 3 + 3,
        );
      }
  });
  const frames = places.map((_, at) => ({ index: frameIndex(at), timeSeconds: seconds(at / 6) }));
  return { pixels, frames, width, height };
};
const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
const moving = range(20).map((t) => [2 * t, t] as const);
const orderOf = (batch: FrameBatch): string | undefined => usableParts([batch])[0]!.order?.ruleId;

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, one) => sum + one, 0) / values.length;

test("motion that goes on has an order; still, looping, returning and fading clips have none, with the reason", () => {
  expect(orderOf(clip(moving))).toBeUndefined();
  expect(orderOf(clip(moving.toReversed()))).toBeUndefined();
  expect(orderOf(clip(range(20).map(() => [10, 10])))).toBe("static");
  expect(orderOf(clip([...moving, ...moving.toReversed()]))).toBe("reversible");
  expect(orderOf(clip([...moving, ...moving]))).toBe("cyclic");
  expect(orderOf(clip(range(24).map((t) => [[5, 20, 40, 20][t % 4]!, 8])))).toBe("cyclic");
  expect(orderOf(clip(moving.slice(0, 5)))).toBe("short");
  expect(orderOf(clip(range(20).map((t) => [2 * t, t, 40 + 3 * t])))).toBe("fade");
});

test("noise, a flickering still picture, and a turn that falls between two frames that are looked at", () => {
  // A picture that stands still under strong noise: every frame differs from every other alike.
  const noisy = clip(range(24).map(() => [10, 10]));
  const random = seededRandom("noise");
  expect(orderOf({ ...noisy, pixels: noisy.pixels.map((level) => level + random.integer(90)) })).toBe(
    "static",
  );
  // One that becomes brighter and harder, and flatter again, faster than it is looked at.
  expect(orderOf(clip(range(24).map((t) => [10, 10, 70 + 50 * Math.sin(2.3 * t)])))).toBe("cyclic");
  // There and back by steps of 5 pixels, the way back between the places of the way there.
  const there = range(12).map((t) => [5 * t, 2 * t] as const);
  const back = range(11).map((t) => [5 * (10 - t) + 2, 2 * (10 - t) + 1] as const);
  expect(orderOf(clip([...there, ...back]))).toBe("reversible");
  // A fade with one step against it now and then.
  const light = (t: number): number => 110 - 4 * t + (t % 4 === 3 ? 6 : 0);
  expect(orderOf(clip(range(20).map((t) => [2 * t, t, light(t)])))).toBe("fade");
  // A light that is switched once is none: what moves still tells its order.
  expect(orderOf(clip(range(16).map((t) => [10, 2 * t, t < 8 ? 60 : 140])))).toBeUndefined();
});

test("frames that are repeated are no cuts; pictures that stand a second are", () => {
  const panned = (hold: number): FrameBatch => {
    const pixels = new Uint8Array(40 * width * height * 3);
    for (let t = 0; t < 40; t++)
      for (let at = 0; at < width * height; at++) {
        const x = (at % width) + 5 * Math.floor(t / hold);
        pixels.fill(
          x % 16 < 8 ? 40 + (x % 97) : 200 - (x % 89),
          (t * width * height + at) * 3,
          (t * width * height + at) * 3 + 3,
        );
      }
    const frames = range(40).map((at) => ({ index: frameIndex(at), timeSeconds: seconds(at / 6) }));
    return { pixels, frames, width, height };
  };
  expect(usableParts([panned(4)]).map(({ start, distances }) => [start, distances.count])).toEqual([[0, 40]]);
  expect(usableParts([panned(10)])[0]!.distances.count).toBe(10);
});

test("blank frames at the ends go; a cut parts what fragments are drawn from", () => {
  const black = Array.from({ length: 4 }, () => [0, 0, 0] as const);
  const parts = usableParts([clip([...moving, ...black])]);
  expect(parts.map(({ start, distances }) => [start, distances.count])).toEqual([[0, 20]]);
});

test("a picture that is rendered anew is never the same bytes; files of one question are equally long", async () => {
  const batch = clip(moving);
  const picture = { pixels: batch.pixels.subarray(0, width * height * 3), width, height };
  const levels = levelsOf(picture);
  // Memory that was used before: nothing of it must be left.
  const anew = (at: number): Picture =>
    renderedAnew(picture, levels, levels, seededRandom("rendered", at), (count) =>
      new Uint8Array(count).fill(37 * at),
    );
  const twice = [1, 2].map(anew);
  expect(twice[0]!.pixels).not.toEqual(twice[1]!.pixels);
  expect(anew(1)).toEqual(twice[0]);
  const files = await stillFiles([picture, ...twice], (bytes) => new Uint8Array(bytes).fill(0xff));
  expect(new Set(files.map(({ length }) => length)).size).toBe(1);
  // Comments that make files equally long change nothing of what they show.
  for (const [at, { pixels, ...size }] of [picture, ...twice].entries()) {
    const decoded = await sharp(files[at]).raw().toBuffer({ resolveWithObject: true });
    expect(decoded.info).toMatchObject(size);
    const differences = decoded.data.map((level, i) => Math.abs(level - pixels[i]!));
    expect(differences.reduce((sum, one) => sum + one, 0) / pixels.length).toBeLessThan(6);
  }
});

test("levels are those of all bytes, wherever they lie; pictures of any size become files of one length", async () => {
  const random = seededRandom("levels");
  for (let round = 0; round < 60; round++) {
    const [start, across, down] = [random.integer(3), 1 + random.integer(120), 1 + random.integer(90)];
    const bytes = across * down * 3;
    const pixels = new Uint8Array(new ArrayBuffer(start + bytes + random.integer(3)), start, bytes);
    const top = round % 5 === 0 ? 1 : 256;
    for (let at = 0; at < bytes; at++) pixels[at] = round % 7 === 0 ? 255 : random.integer(top);
    const mean = pixels.reduce((sum, level) => sum + level, 0) / bytes;
    const squares = pixels.reduce((sum, level) => sum + level * level, 0) / bytes;
    const found = levelsOf({ pixels, width: across, height: down });
    expect(found.mean).toBe(mean);
    expect(found.spread).toBeCloseTo(Math.sqrt(Math.max(0, squares - mean * mean)), 6);
    if (round % 6 > 0) continue;
    const picture = { pixels, width: across, height: down };
    const grey = { ...picture, pixels: new Uint8Array(bytes).fill(9) };
    const files = await stillFiles([picture, grey], (count) => new Uint8Array(count));
    expect(new Set(files.map(({ length }) => length)).size).toBe(1);
    for (const file of files)
      expect((await sharp(file).raw().toBuffer({ resolveWithObject: true })).info).toMatchObject({
        width: across,
        height: down,
        channels: 3,
      });
  }
});

test("how bright, how hard and how dark at its borders a picture is tells nothing once it is rendered anew", () => {
  const bytes = width * height * 3;
  // The same square on grounds of 60 and of 110, the second with a border of 40.
  const [dark, light] = [60, 110].map((ground, at) => {
    const { pixels } = clip([[20, 15, ground]]);
    if (at === 1)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          if (x < 4 || y < 4 || x >= width - 4 || y >= height - 4)
            pixels.fill(40, (y * width + x) * 3, (y * width + x) * 3 + 3);
    return { pixels: pixels.subarray(0, bytes), width, height };
  }) as [Picture, Picture];
  const own = [dark, light].map(levelsOf);
  const levels = levelsBetween(own);
  const fresh = (count: number): Uint8Array => new Uint8Array(count);
  const facts = ({ pixels, width: w, height: h }: Picture): readonly [number, number, number] => {
    const mean = meanOf([...pixels]);
    const border = [...pixels].filter((_, at) => {
      const [x, y] = [Math.floor(at / 3) % w, Math.floor(at / 3 / w)];
      return x === 0 || y === 0 || x === w - 1 || y === h - 1;
    });
    return [mean, Math.sqrt(meanOf([...pixels].map((value) => (value - mean) ** 2))), meanOf(border) / mean];
  };
  const drawn = [dark, light].map((picture, which) =>
    range(60).map((at) =>
      facts(renderedAnew(picture, own[which]!, levels, seededRandom("facts", which, at), fresh)),
    ),
  );
  const [mine, other] = drawn.map((all) => [0, 1].map((fact) => meanOf(all.map((one) => one[fact]!)))) as [
    number[],
    number[],
  ];
  // Without the levels between them 50 levels and a factor of two lie between the pictures.
  expect(Math.abs(mine[0]! - other[0]!)).toBeLessThan(4);
  expect(mine[1]! / other[1]!).toBeGreaterThan(0.85);
  expect(mine[1]! / other[1]!).toBeLessThan(1.15);
  // Borders: of one picture they vary by more than a tenth.
  for (const all of drawn) {
    const borders = all.map((one) => one[2]);
    expect(Math.max(...borders) - Math.min(...borders)).toBeGreaterThan(0.1);
  }
});

test("where the order is asked for, a clip that slowly gets lighter does not tell it", async () => {
  const lighter = clip(range(20).map((t) => [2 * t, t, 80 + t]));
  const part = usableParts([lighter])[0]!;
  const selector = (await frameSelectors.choose("uniform")).value;
  for (const name of ["disorder", "rearrangement"]) {
    const made = await fragmentTasks.choose(name);
    const even = await fragmentTasks.choose(`${name}:anew=false`);
    const channelOf = (pixels: Uint8Array, channel: number): number =>
      meanOf(range(pixels.length / 3).map((at) => pixels[3 * at + channel]!));
    const bytes = width * height * 3;
    const filmedAt = (at: number): Uint8Array => lighter.pixels.subarray(at * bytes, (at + 1) * bytes);
    const times = 60;
    const rises = [0, 0, 0];
    for (const number of range(times)) {
      const place = { seed: 1, number };
      const drawn = drawSample(made, part, selector, place);
      if ("ruleId" in drawn) throw new Error(drawn.reason);
      const first = drawn.shown.indexOf(Math.min(...drawn.shown));
      const last = drawn.shown.indexOf(Math.max(...drawn.shown));
      const shown = picturesOfSample(made, drawn, part, place);
      // A part of almost all of each, and every number of it drawn: where a film gets lighter, pictures do so by chance alone.
      expect([shown[0]!.width, shown[0]!.height]).toEqual([width - 2, height - 1]);
      for (const channel of range(3)) {
        const [before, after] = [first, last].map((at) => channelOf(shown[at]!.pixels, channel));
        if (after! > before!) rises[channel]!++;
        const [dark, light] = [first, last].map((at) => channelOf(filmedAt(drawn.shown[at]!), channel));
        expect(light! - dark!).toBeGreaterThan(2);
      }
      // Without that, the same frames in the same order have one brightness.
      const same = drawSample(even, part, selector, place);
      if ("ruleId" in same) throw new Error(same.reason);
      expect(same.shown).toEqual(drawn.shown);
      const levels = picturesOfSample(even, same, part, place).map(({ pixels }) => meanOf([...pixels]));
      expect(Math.max(...levels) - Math.min(...levels)).toBeLessThan(0.5);
    }
    // Three standard deviations of 60 tosses.
    for (const rise of rises) expect(Math.abs(rise - times / 2)).toBeLessThan(12);
  }
});

test("black bars go, in whatever form; a dark picture is no bar; the same question is asked with and without them", () => {
  const plain = clip(moving);
  const barred = (across: number, down: number): FrameBatch => {
    const [w, h] = [width + 2 * across, height + 2 * down];
    const pixels = new Uint8Array(plain.frames.length * w * h * 3).fill(6);
    for (let t = 0; t < plain.frames.length; t++)
      for (let y = 0; y < height; y++) {
        const from = (t * height + y) * width * 3;
        pixels.set(plain.pixels.subarray(from, from + width * 3), ((t * h + y + down) * w + across) * 3);
      }
    return { pixels, frames: plain.frames, width: w, height: h };
  };
  expect(withoutBars([plain])).toEqual([plain]);
  for (const [across, down] of [
    [0, 20],
    [30, 0],
    [12, 9],
  ] as const) {
    const [shown] = withoutBars([barred(across, down)]);
    // One line more goes at each edge that a bar had.
    expect([shown!.width, shown!.height]).toEqual([
      width - (across > 0 ? 2 : 0),
      height - (down > 0 ? 2 : 0),
    ]);
    const bright = shown!.pixels.reduce((least, value) => Math.min(least, value), 255);
    expect(bright).toBeGreaterThan(80);
    expect(orderOf(barred(across, down))).toBeUndefined();
  }
  const dark = { ...plain, pixels: plain.pixels.map((value) => value >> 4) };
  expect(withoutBars([dark])).toEqual([dark]);
});

test("frames that other questions told the order of are not drawn, nor such that look the same", () => {
  const { distances } = usableParts([clip(moving)])[0]!;
  const left = placesApart(distances, [4, 5]);
  expect(left).not.toContain(4);
  expect(left).not.toContain(5);
  for (const at of left)
    expect(Math.min(distances.between(4, at), distances.between(5, at))).toBeGreaterThanOrEqual(3);
  expect(left.length).toBeGreaterThan(10);
  expect(placesApart(distances, [])).toEqual(range(20));
});
