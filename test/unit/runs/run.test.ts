import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DataFormatError, InternalError, RunError } from "../../../src/core/errors.ts";
import { eventStep, readEventRecords } from "../../../src/runs/event-file.ts";
import { JsonLinesLog, readLog, rowToLine, truncateLog } from "../../../src/runs/json-lines-log.ts";
import { readRollouts, readRun } from "../../../src/runs/read-run.ts";
import { createRun, type Run, resumeRun } from "../../../src/runs/run.ts";

let folder: string;
let dir: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "run-"));
  dir = join(folder, "run");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const weights = (into: string, step: number): void => {
  mkdirSync(join(into, "nested"));
  writeFileSync(join(into, "model.safetensors"), `weights of step ${step}`);
  writeFileSync(join(into, "nested", "x.json"), "{}");
};
const doStep = async (run: Run, step: number, every = 2): Promise<void> => {
  run.metrics(step, { loss: 1 / step });
  run.rollout({ step, sampleId: `s${step}`, prompt: "?", complete: [], absent: [] });
  if (step % every === 0) await run.checkpoint(step, async (into) => weights(into, step), { next: step + 1 });
};
const steps = (from: string): number[] => readRun(from).metrics.map(({ step }) => step);

describe("a run", () => {
  test("keeps configuration, metrics, rollouts, events and the newest checkpoints", async () => {
    const config = { seed: 1, nested: { list: [1, "a", null, true] } };
    {
      using run = createRun(dir, config, { keepLast: 2 });
      for (let step = 1; step <= 7; step++) await doStep(run, step);
      run.text(7, "note", "done");
      run.image(7, "sheet", { png: Uint8Array.of(1), width: 1, height: 1 });
      expect(run.latest()?.step).toBe(6);
    }
    const stored = readRun(dir);
    expect(stored.config).toEqual(config);
    expect(stored.metrics.map(({ step, loss }) => [step, loss])).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((step) => [step, 1 / step]),
    );
    expect(readRollouts(dir).map(({ sampleId }) => sampleId)).toHaveLength(7);
    expect(stored.checkpoints.complete.map(({ step, state }) => [step, state])).toEqual([
      [4, { next: 5 }],
      [6, { next: 7 }],
    ]);
    const events = readdirSync(dir).filter((name) => name.startsWith("events.out.tfevents."));
    expect(events).toHaveLength(1);
    expect(readEventRecords(readFileSync(join(dir, events[0]!)), "x")).toHaveLength(1 + 7 + 2);
  });
  test("tells numbers that JSON cannot hold as they are", () => {
    {
      using run = createRun(dir, {});
      run.metrics(1, { a: Number.NaN, b: Number.POSITIVE_INFINITY, c: Number.NEGATIVE_INFINITY });
    }
    const { a, b, c } = readRun(dir).metrics[0]!;
    expect([a, b, c]).toEqual([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });
  test("resumes from its checkpoint and tells no step twice", async () => {
    {
      using run = createRun(dir, { seed: 2 });
      for (let step = 1; step <= 5; step++) await doStep(run, step);
    }
    {
      using run = resumeRun(dir);
      expect(run.config).toEqual({ seed: 2 });
      expect(run.resumedFrom).toMatchObject({ step: 4, state: { next: 5 } });
      expect(readFileSync(join(run.resumedFrom!.folder, "model.safetensors"), "utf8")).toBe(
        "weights of step 4",
      );
      for (let step = 5; step <= 6; step++) await doStep(run, step);
    }
    expect(steps(dir)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(readRollouts(dir).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    const times = readRun(dir).metrics.map(({ timeSeconds }) => timeSeconds);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const file = readdirSync(dir).find((name) => name.startsWith("events."))!;
    const events = readEventRecords(readFileSync(join(dir, file)), file).slice(1);
    expect(events.map(({ data }) => eventStep(data, file))).toEqual([1, 2, 3, 4, 5, 6]);
  });
  test("without a checkpoint begins again", async () => {
    {
      using run = createRun(dir, {});
      await doStep(run, 1);
    }
    using run = resumeRun(dir);
    expect(run.resumedFrom).toBeUndefined();
    expect(steps(dir)).toEqual([]);
  });
  test("replaces a checkpoint of the same step", async () => {
    using run = createRun(dir, {});
    for (const state of ["old", "new"]) await run.checkpoint(3, async (into) => weights(into, 3), state);
    expect(readdirSync(join(dir, "checkpoints"))).toEqual(["3"]);
    expect(run.latest()?.state).toBe("new");
  });
});

describe("what goes wrong", () => {
  const messageOf = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      expect(error).toBeInstanceOf(RunError);
      return (error as Error).message;
    }
    throw new Error("nothing was thrown");
  };
  test("a second writer is told who holds the run", () => {
    using _run = createRun(dir, {});
    expect(messageOf(() => resumeRun(dir))).toMatch(/being written: .*process \d+ on/);
  });
  test("a folder with something in it", () => {
    createRun(dir, {}).close();
    expect(messageOf(() => createRun(dir, {}))).toMatch(/not empty: .*--resume/);
    expect(messageOf(() => createRun(folder, {}))).toMatch(/not empty: .*got run; choose another --out/);
  });
  test("a folder that cannot be made", () => {
    writeFileSync(join(folder, "file"), "");
    expect(messageOf(() => createRun(join(folder, "file", "run"), {}))).toMatch(/cannot make the run folder/);
  });
  test("nothing to resume, nothing to read", () => {
    expect(messageOf(() => resumeRun(folder))).toMatch(/nothing to resume: .*config\.json/);
    expect(messageOf(() => readRun(folder))).toMatch(/not a run folder/);
    expect(messageOf(() => createRun(dir, {}, { keepLast: 0 }))).toMatch(/bad keepLast; .*got 0/);
  });
  test.each([
    ["a missing value", { a: { b: [undefined] } }, ".a.b.0"],
    ["NaN", { a: Number.NaN }, ".a"],
    ["a class", { when: new Map() }, ".when"],
    ["a function", { f: () => 1 }, ".f"],
  ])("a configuration with %s", (_, config, path) => {
    expect(messageOf(() => createRun(dir, config))).toContain(`config${path}`);
    expect(existsSync(dir)).toBe(false);
  });
  test("a state that is not JSON leaves no checkpoint", async () => {
    using run = createRun(dir, {});
    await expect(run.checkpoint(1, async () => {}, { n: 1n })).rejects.toThrow(
      /checkpoint state is not JSON/,
    );
    await expect(run.checkpoint(1, () => Promise.reject(new Error("disk")), {})).rejects.toThrow("disk");
    expect(readRun(dir).checkpoints).toEqual({ complete: [], damaged: [] });
  });
  test.runIf(process.platform === "linux")("a full disk", () => {
    const log = new JsonLinesLog("/dev/full", 0);
    expect(messageOf(() => log.append({ step: 1 }))).toMatch(
      /cannot write: \/dev\/full; got ENOSPC.*--resume/,
    );
    log.close();
  });
  test("steps that go back and reserved names are faults of ours", () => {
    using run = createRun(dir, {});
    run.metrics(2, { a: 1 });
    expect(() => run.metrics(1, { a: 1 })).toThrow(InternalError);
    expect(() => run.metrics(3, { step: 1 })).toThrow(InternalError);
  });
  test("a damaged newest checkpoint is passed over, named, and removed by the resume", async () => {
    {
      using run = createRun(dir, {});
      for (let step = 1; step <= 4; step++) await doStep(run, step);
    }
    truncateSync(join(dir, "checkpoints", "4", "model.safetensors"), 3);
    expect(readRun(dir).checkpoints.damaged[0]?.reason).toBe("model.safetensors has 3 bytes, not 17");
    using run = resumeRun(dir);
    expect(run.resumedFrom?.step).toBe(2);
    expect(readdirSync(join(dir, "checkpoints"))).toEqual(["2"]);
  });
  test("a finished row that is no row is named", () => {
    createRun(dir, {}).close();
    writeFileSync(
      join(dir, "metrics.jsonl"),
      '{"step":1,"timeSeconds":0}\n{"step":2,"timeSeconds":0,"a":"x"}\n',
    );
    expect(() => readRun(dir)).toThrow(/metrics\.jsonl:2, "a"; got "x"/);
    writeFileSync(join(dir, "metrics.jsonl"), "{}\n");
    expect(() => readRun(dir)).toThrow(DataFormatError);
    expect(() => readRun(dir)).toThrow(/metrics\.jsonl:1/);
  });
});

describe("logs", () => {
  test("any cut of a log reads as its whole rows, and is cut back to any step", () => {
    const file = join(folder, "log");
    const rising = fc.array(fc.nat({ max: 3 }), { maxLength: 8 }).map((gaps) => {
      let step = 0;
      return gaps.map((gap) => {
        step += gap;
        return { step, text: `zeile ${gap} ü\n` };
      });
    });
    fc.assert(
      fc.property(rising, fc.nat(), fc.nat({ max: 25 }), (rows, seed, step) => {
        const bytes = Buffer.from(rows.map(rowToLine).join(""));
        const cut = seed % (bytes.length + 1);
        writeFileSync(file, bytes.subarray(0, cut));
        const whole = bytes.subarray(0, cut).toString("utf8").split("\n").length - 1;
        const read = readLog(file);
        expect(read.rows).toEqual(rows.slice(0, whole));
        expect(read.tornBytes).toBe(cut - (read.ends.at(-1) ?? 0));
        truncateLog(file, step);
        expect(readLog(file)).toMatchObject({
          rows: rows.slice(0, whole).filter((row) => row.step <= step),
          tornBytes: 0,
        });
      }),
    );
  });
  test("a torn line is left out, counted, and gone after the resume", async () => {
    {
      using run = createRun(dir, {});
      for (let step = 1; step <= 2; step++) await doStep(run, step);
    }
    appendFileSync(join(dir, "metrics.jsonl"), '{"step":3,"ti');
    expect(readRun(dir)).toMatchObject({ tornBytes: 13, metrics: [{ step: 1 }, { step: 2 }] });
    resumeRun(dir).close();
    expect(readRun(dir)).toMatchObject({ tornBytes: 0, metrics: [{ step: 1 }, { step: 2 }] });
  });
});
