import { expect, test } from "vitest";
import { crossValidated, learnLinear, learnTrees } from "../../../scripts/fragment-nuisance/classifiers.ts";
import { factsOf, packetLengths } from "../../../scripts/fragment-nuisance/picture-facts.ts";
import { seededRandom } from "../../../src/core/random.ts";

/** Questions about 60 clips with four features; `label` says which of them tell the answer. */
const rows = (label: (features: readonly number[], noise: number) => boolean) => {
  const random = seededRandom("nuisance rows");
  return Array.from({ length: 1200 }, (_, at) => {
    const features = [0, 1, 2, 3].map(() => random.next() * 2 - 1);
    return { cluster: String(at % 60), features, label: label(features, random.next()) ? 1 : 0 };
  });
};
const foldOf = (cluster: string): number => Number(cluster) % 5;

test("a leak is found that one feature holds, that two hold together, and none where there is none", () => {
  const one = rows(([a], noise) => (noise < 0.3 ? noise < 0.15 : a! > 0));
  const two = rows(([a, b]) => a! * b! > 0);
  const none = rows((_, noise) => noise < 0.5);
  for (const learn of [learnLinear, learnTrees]) {
    expect(crossValidated(one, learn, foldOf).share).toBeGreaterThan(0.8);
    const nothing = crossValidated(none, learn, foldOf);
    expect(Math.abs(nothing.share - 0.5)).toBeLessThan(0.05);
    expect(nothing.error).toBeGreaterThan(0.005);
    expect(nothing.error).toBeLessThan(0.03);
  }
  expect(crossValidated(two, learnLinear, foldOf).share).toBeLessThan(0.6);
  expect(crossValidated(two, learnTrees, foldOf).share).toBeGreaterThan(0.85);
});

test("a row's clip is never in both folds: what a clip alone tells is worth nothing", () => {
  const random = seededRandom("clips");
  const clips = Array.from({ length: 60 }, () => [random.next(), random.next() < 0.5 ? 1 : 0] as const);
  const own = Array.from({ length: 1200 }, (_, at) => {
    const [feature, label] = clips[at % 60]!;
    return { cluster: String(at % 60), features: [feature], label };
  });
  expect(crossValidated(own, learnTrees, foldOf).share).toBeLessThan(0.75);
});

test("facts tell a grid of blocks, blur and quantised frequencies; lengths of packets are read from a film", () => {
  const [width, height] = [64, 48];
  const random = seededRandom("facts");
  const noise = Float64Array.from({ length: width * height }, () => random.next() * 40);
  const picture = (of: (at: number, x: number) => number) =>
    factsOf(
      Uint8Array.from({ length: width * height * 3 }, (_, at) => {
        const pixel = Math.floor(at / 3);
        return Math.round(of(pixel, pixel % width));
      }),
      width,
      height,
      { bytes: 1, hash: "" },
    );
  const plain = picture((at) => 80 + noise[at]!);
  const blocks = picture((at, x) => 80 + noise[at]! + 25 * (Math.floor(x / 8) % 2));
  const blurred = picture((at) => 80 + (noise[at]! + noise[Math.max(0, at - 1)]!) / 2);
  const smooth = picture((_, x) => 80 + 10 * Math.sin(x / 20));
  expect(blocks.blockiness).toBeGreaterThan(plain.blockiness + 0.2);
  expect(blurred.sharpness).toBeLessThan(0.8 * plain.sharpness);
  expect(smooth.zeros).toBeGreaterThan(plain.zeros + 0.3);
  const box = Buffer.alloc(36);
  box.write("stsz", 4, "latin1");
  box.writeUInt32BE(2, 16);
  box.writeUInt32BE(700, 20);
  box.writeUInt32BE(90, 24);
  expect(packetLengths(box)).toEqual([700, 90]);
});
