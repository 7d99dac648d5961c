import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { resizeAntialias } from "../../src/frames/resize-antialias.ts";
import { oracleMissing, runPython } from "./python.ts";

const isMissing = oracleMissing("resizing against torchvision");
const work = mkdtempSync(join(tmpdir(), "resize-antialias-"));
afterAll(() => rmSync(work, { recursive: true }));

type Sizes = [height: number, width: number, toHeight: number, toWidth: number];

/** Up, down, one side each, 1 to 64 taps; the round ratios put many values half-way between two levels. */
const sizesOf = (random: ReturnType<typeof seededRandom>): Sizes[] => {
  const side = (most: number): number => 1 + random.integer(most);
  const drawn = Array.from({ length: 60 }, (): Sizes => {
    const most = random.integer(4) === 0 ? 12 : 330;
    return [side(most), side(most), 28 * side(12), 28 * side(12)];
  });
  const round: Sizes[] = [
    [224, 224, 168, 168],
    [333, 95, 336, 84],
    [56, 57, 56, 84],
    [448, 448, 28, 28],
    [360, 640, 224, 392],
  ];
  return [...drawn, ...round];
};

describe.skipIf(isMissing)("the first resize of a clip", () => {
  const random = seededRandom("pictures for torchvision");
  const sizes = sizesOf(random);
  const pictures = sizes.map(([height, width]) =>
    Uint8Array.from({ length: height * width * 3 }, () => random.integer(256)),
  );
  const ours = Buffer.concat(
    sizes.map(([height, width, toHeight, toWidth], at) =>
      resizeAntialias(pictures[at]!, width, height, toWidth, toHeight),
    ),
  );

  /** How many values are so many levels away from torchvision's; index 0: equal. */
  const levels = async (capability?: string): Promise<{ capability: string; away: number[] }> => {
    const [file, out] = [join(work, "pictures"), join(work, "resized")];
    writeFileSync(file, Buffer.concat(pictures));
    const job = JSON.stringify({ file, out, sizes, capability });
    const said = await runPython("plain", "test/oracle/resize_reference.py", [], job);
    const theirs = readFileSync(out);
    expect(theirs.length).toBe(ours.length);
    const away = Array<number>(256).fill(0);
    for (const [at, value] of ours.entries()) away[Math.abs(value - theirs[at]!)]! += 1;
    return { capability: said.trim(), away: away.slice(0, 1 + away.findLastIndex((count) => count > 0)) };
  };

  test("is torchvision's in every value where torch has fused multiply-adds", async () => {
    const { capability, away } = await levels();
    if (capability === "AVX2" || capability === "AVX512") expect(away).toEqual([ours.length]);
    else expect(away.length).toBeLessThanOrEqual(2);
  });

  test("where it has none, torch itself is a level away in single values: no resize can equal both", async () => {
    const { capability, away } = await levels("default");
    expect(capability).toBe("DEFAULT");
    expect(away.length).toBe(2);
    expect(away[1]! / ours.length).toBeLessThan(1e-4);
  });
});
