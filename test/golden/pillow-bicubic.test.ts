import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { resizeBicubic } from "../../src/frames/resize.ts";
import { type PillowGeneration, resizePicture, resizePlan } from "../../src/video/pillow-bicubic.ts";

interface Case {
  readonly size: readonly [number, number];
  readonly to: readonly [number, number];
  readonly seed: number;
  readonly extreme: boolean;
  readonly sha256: string;
  readonly head: readonly number[];
}

// Made by scripts/make-golden/pillow_bicubic.py; no tolerance: the claim is equality of every byte.
const load = (name: PillowGeneration): { pillow: string; cases: readonly Case[] } =>
  JSON.parse(readFileSync(new URL(`./expected/${name}.json`, import.meta.url), "utf8"));

const picture = (width: number, height: number, seed: number, extreme: boolean): Uint8Array => {
  const bytes = new Uint8Array(width * height * 3);
  let state = seed;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const value = state >>> 24;
    bytes[i] = extreme ? (value & 128 ? 255 : 0) : value;
  }
  return bytes;
};

describe.each(["pillow-13", "pillow-12"] as const)("bicubic resize equals %s", (generation) => {
  const { cases } = load(generation);
  test.each(cases)("$size to $to, extreme $extreme", ({ size, to, seed, extreme, sha256, head }) => {
    const resized = new Uint8Array(to[0] * to[1] * 3);
    resizePicture(picture(...size, seed, extreme), resizePlan(...size, ...to, generation), resized);
    expect([...resized.subarray(0, 12)]).toEqual(head);
    expect(createHash("sha256").update(resized).digest("hex")).toBe(sha256);
    if (generation === "pillow-13")
      expect(resizeBicubic(picture(...size, seed, extreme), ...size, ...to)).toEqual(resized);
  });
});
