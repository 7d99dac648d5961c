import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { measure, median } from "../../../bench/measure.ts";

const folder = mkdtempSync(join(tmpdir(), "bench-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const order = join(folder, "order");
const answer = new URL("../../../bench/answer-rounds.ts", import.meta.url).href;

/** A side that notes its turn, holds `bytes` of memory, and answers 10 more than its round's number. */
const side = (name: string, bytes: number, extra: object = {}) => ({
  command: [
    process.execPath,
    "-e",
    `const { appendFileSync } = require("node:fs");
     const held = Buffer.alloc(${bytes}, 1);
     import(${JSON.stringify(answer)}).then(({ answerRounds }) => answerRounds(async (round) => {
       appendFileSync(${JSON.stringify(order)}, ${JSON.stringify(name)});
       return { value: 10 + round, result: [held.length] };
     }));`,
  ],
  ...extra,
});

test("sides take turns, the first round of each does not count, memory is the process's own", async () => {
  const bytes = 150e6;
  const sides = [side("o", bytes), side("a", 1), side("b", 2)];
  const [ours, anchor, other] = await measure(sides, 3, () => {});
  expect(readFileSync(order, "utf8")).toBe("oabbaooabbao");
  expect(ours).toMatchObject({ values: [11, 12, 13], result: [bytes] });
  expect(anchor).toMatchObject({ values: [11, 12, 13], result: [1] });
  expect(other).toMatchObject({ values: [11, 12, 13], result: [2] });
  if (process.platform !== "linux") return;
  const more = ours!.peakMemoryBytes - anchor!.peakMemoryBytes;
  // The held buffer, give or take what two runs of one program differ by.
  expect(more).toBeGreaterThan(bytes * 0.8);
  expect(more).toBeLessThan(bytes * 1.3);
});

test.skipIf(process.platform !== "linux")(
  "the processor time of a round is that of the side and all its children, left behind or not, and of no other round",
  async () => {
    const spins = (milliseconds: number): string =>
      `const used = () => { const { user, system } = process.cpuUsage(); return user + system; };
       const end = used() + ${milliseconds * 1000}; while (used() < end);`;
    writeFileSync(join(folder, "left.cjs"), `${spins(800)} process.send("done");`);
    // Ends before its child has been waited for, but a second after the child has computed: however late a busy machine
    // looks, it looks once in between.
    writeFileSync(
      join(folder, "leaves.cjs"),
      `require("node:child_process")
         .fork(${JSON.stringify(join(folder, "left.cjs"))})
         .on("message", () => setTimeout(() => process.exit(0), 1000));`,
    );
    writeFileSync(join(folder, "waited.cjs"), spins(300));
    const busy = {
      command: [
        process.execPath,
        "-e",
        `const { execFile } = require("node:child_process");
         const run = (name) => new Promise((done) => execFile(process.execPath, [${JSON.stringify(folder)} + "/" + name], done));
         import(${JSON.stringify(answer)}).then(({ answerRounds }) => answerRounds(async (round) => {
           if (round < 2) { await run("waited.cjs"); await run("leaves.cjs"); }
           return { value: 1 };
         }));`,
      ],
    };
    const [first, second] = (await measure([busy, side("a", 1)], 2, () => {}))[0]!.processorSeconds;
    expect(first).toBeGreaterThanOrEqual(1);
    expect(first).toBeLessThan(4);
    expect(second).toBeLessThan(0.25);
  },
);

test("a side with a new process every round", async () => {
  const [ours] = await measure([side("o", 1, { freshProcess: true }), side("a", 1)], 2, () => {});
  expect(ours!.values).toEqual([10, 10]);
});

test("a side that ends, or answers no number, fails the benchmark", async () => {
  const dies = { command: [process.execPath, "-e", "process.exit(3)"] };
  await expect(measure([side("o", 1), dies], 1, () => {})).rejects.toThrow(/ended with 3/);
  const mumbles = { command: [process.execPath, "-e", 'process.stdin.on("data", () => console.log("{}"))'] };
  await expect(measure([mumbles, side("a", 1)], 1, () => {})).rejects.toThrow(/a round answered {}/);
  const missing = { command: [fileURLToPath(new URL("no-such-program", import.meta.url))] };
  await expect(measure([missing, side("a", 1)], 1, () => {})).rejects.toThrow(/ENOENT/);
});

test("medians", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});
