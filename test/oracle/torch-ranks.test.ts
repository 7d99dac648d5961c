/** The engine torch as two processes that share weights and batches: its numbers are those of one, and of `onnx`. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { idsBatch } from "../../src/batch/ids-batch.ts";
import { segmentsBatch } from "../../src/batch/segments-batch.ts";
import type { TokenBatch } from "../../src/batch/token-batch.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { Engine } from "../../src/engine/contract.ts";
import { openEngine } from "../../src/engine/engines.ts";
import { pythonPath } from "../../src/engine/python-environment.ts";
import { takeStep } from "../../src/engine/take-step.ts";
import { workerModule } from "../../src/engine/torch/launchers.ts";
import { verifyFixture } from "../../src/engine/verify.ts";
import { workerEnvironment } from "../../src/engine/worker-protocol.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { makeLosses, sumOfLosses } from "../../src/objectives/losses.ts";
import { preferenceFeeds, sumsOfPairs } from "../../src/training/preference-batches.ts";
import { newAdapter } from "../../src/weights/new-adapter.ts";
import { writeAdapter } from "../../src/weights/write-adapter.ts";
import {
  batchOf,
  cotangentsOf,
  engineConformance,
  expectClose,
  gradients,
  sftSteps,
  update,
} from "../contract/engine-conformance.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";
import { askToken, tinyConfig, tinyStore, tinyTokens, toyClips } from "../unit/training/tiny.ts";
import { expectLost } from "./lost-engine.ts";
import { oracleMissing, oraclePython } from "./python.ts";

const isMissing = oracleMissing("ranks of the engine torch");
const single = `torch:python=${oraclePython}`;
const ranks = `${single},ranks=2`;

// The whole suite starts two processes for every engine that it opens: minutes.
if (!isMissing && process.env["VIDEOPERCEIVER_ORACLE_RANKS"] === "all")
  engineConformance(
    "torch x 2",
    async (model) => (await openEngine({ engine: ranks, threads: 2 }, model)).engine,
    { numbers: 1e-5, losses: 1e-4 },
  );

describe.skipIf(isMissing)("two ranks of the engine torch", () => {
  const config = tinyConfig();
  const rules = batchRules(config);
  let work: string;
  let folder: string;
  let adapterFolder: string;
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), "torch-ranks-"));
    folder = join(work, "checkpoint");
    saveCheckpoint(folder, config, tinyStore(config).tensors(), { dtype: "float32" });
    adapterFolder = join(work, "adapter");
    const model = adaptedModel(config);
    const shape = { targets: ["q_proj", "down_proj"], rank: 3, alpha: 6 };
    writeAdapter(adapterFolder, newAdapter(model, shape, seededRandom("adapter")), model);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  const open = async (
    engine: string,
    trained: "all" | "adapter" | readonly ["merger"] = "all",
  ): Promise<Engine> => {
    const adapted = trained === "adapter" ? { adapterFolder } : {};
    return (await openEngine({ engine, threads: 2 }, { folder, trained, ...adapted })).engine;
  };
  const whole = "onnx:execution=whole";

  const clips = toyClips(6);
  /** Words without a picture, of several lengths. */
  const words = (rows: number): TokenBatch => {
    const columns = 3 + 4 * (rows - 1);
    const places = Array.from({ length: rows * columns }, (_, i) => ({
      row: Math.floor(i / columns),
      at: i % columns,
    }));
    const isWord = ({ row, at }: (typeof places)[number]): boolean => at < 3 + 4 * row;
    const scoredRows = [...places.keys()].filter((i) => isWord(places[i]!) && places[i]!.at > 0);
    const ids = {
      rows,
      columns,
      ids_BT: places.map(({ row, at }) => 16 + ((at + row) % 9)),
      mask_BT: places.map((place) => (isWord(place) ? 1 : 0)),
      positions_3BT: [0, 1, 2].flatMap(() => places.map(({ at }) => at)),
    };
    return idsBatch(ids, rules, { scoredRows, targets: scoredRows.map(() => 18) });
  };
  /** Batches at which ranks have unequal work: name, batches. */
  const unequal = (): readonly (readonly [string, readonly TokenBatch[]])[] => {
    const tapped = batchOf(0, 2);
    /** Rows of the first clip alone, which one rank has. */
    const taps = tapped.taps.map(({ block, groups }) => ({
      block,
      groups: groups.map(({ name, rows }) => ({ name, rows: rows.filter((row) => row < tapped.length) })),
    }));
    return [
      ["two clips, one each", [batchOf(0, 2)]],
      ["a rank with words only", [{ ...batchOf(2, 1), taps: [] }, words(1)]],
      ["words only", [words(3)]],
      ["fewer batches than ranks", [batchOf(4, 1)]],
      ["ragged: one rank has more batches", [batchOf(0, 1), batchOf(1, 3), words(4), batchOf(5, 2)]],
      ["a tap that one rank uses", [{ ...tapped, taps }]],
      [
        "nothing scored, blocks end early",
        [{ ...tapped, scored: { rows: new Int32Array(0), targets: new Int32Array(0) } }],
      ],
    ];
  };

  describe("one pair of ranks, whose weights nobody moves", () => {
    /** Opened once, for tests that move no weights: its blocks compute their insides again for the gradient. */
    let resting: Engine;
    let restingWhole: Engine;
    beforeAll(async () => {
      resting = await open(`${ranks},recompute=true`);
      restingWhole = await open(whole);
    });
    afterAll(async () => {
      for (const engine of [resting, restingWhole]) {
        expect(engine.version).toBe(0);
        await engine[Symbol.asyncDispose]();
      }
    });

    test("unequal work: outputs and gradients of the embedded engine, whatever is kept", async () => {
      const [engine, same] = [resting, restingWhole];
      expect(engine.capabilities.ranks).toBe(2);
      for (const [i, [name, batches]] of unequal().entries()) {
        const keep = i % 2 === 0 ? "graph" : "inputs";
        const given = batches.map((batch, b) => cotangentsOf(batch, `${name} ${b}`));
        const [own, other] = [
          await engine.forward(batches, { keep }),
          await same.forward(batches, { keep: "graph" }),
        ];
        own.outputs.forEach(({ tokenLogprobs, states }, b) => {
          expectClose(tokenLogprobs, other.outputs[b]!.tokenLogprobs, 1e-5);
          for (const [block, state] of other.outputs[b]!.states) expectClose(states.get(block)!, state, 1e-5);
        });
        await engine.backward(own, given);
        await same.backward(other, given);
        const [mine, wanted] = [await gradients(engine), await gradients(same)];
        wanted.forEach((gradient, i) => {
          expectClose(mine[i]!, gradient, 2e-5);
        });
        expect(
          wanted.some((gradient) => gradient.some((x) => x !== 0)),
          name,
        ).toBe(true);
        await engine.clearGradient();
        await same.clearGradient();
      }
    });

    test("completions of unequal prompts", async () => {
      const [engine, same] = [resting, restingWhole];
      const prompts = clips.slice(0, 5).map((clip, i) => ({
        clip: clip.patches,
        texts: [
          {
            tokens: [...Array.from({ length: i * 3 }, () => 17), askToken],
            scoredFrom: 1 + i * 3,
            next: true,
          },
        ],
      }));
      for (const count of [5, 1]) {
        const { batch, ends } = segmentsBatch(prompts.slice(0, count), rules, {
          tokens: tinyTokens,
          prefill: true,
        });
        for (const temperature of [0, 1.3]) {
          const request = {
            batch,
            nextPositions: ends.map(({ nextPosition }) => nextPosition),
            completions: 3,
            maxNewTokens: 6,
            temperature,
            stopTokens: [17],
            seed: "ranks",
          };
          const [got, expected] = [await engine.sample(request), await same.sample(request)];
          const tokens = (all: typeof got): unknown => all.map((group) => group.map((one) => one.tokens));
          expect(tokens(got)).toEqual(tokens(expected));
        }
      }
    });
  });

  describe("one pair of ranks that keeps no pictures, so that every call asks for them again", () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await open(`${ranks},mediaBytes=1,collectiveSeconds=20`, ["merger"]);
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    test("words on one rank, pictures on the other, and only what pictures pass is trained", async () => {
      await using same = await open(whole, ["merger"]);
      const batches = [batchOf(2, 1), words(1)];
      const given = batches.map((batch, b) => cotangentsOf(batch, `merger ${b}`));
      for (const one of [engine, same])
        await one.backward(await one.forward(batches, { keep: "graph" }), given);
      const [mine, wanted] = [await gradients(engine), await gradients(same)];
      expect(wanted.some((gradient) => gradient.some((x) => x !== 0))).toBe(true);
      wanted.forEach((gradient, i) => {
        expectClose(mine[i]!, gradient, 2e-5);
      });
    });

    test("a draw that is cancelled while one rank waits for its pictures leaves both ranks in step", async () => {
      const prompts = clips.slice(0, 2).map((clip) => ({
        clip: clip.patches,
        texts: [{ tokens: [askToken], scoredFrom: 1, next: true }],
      }));
      const { batch, ends } = segmentsBatch(prompts, rules, { tokens: tinyTokens, prefill: true });
      let late = 0;
      const last = batch.media.length - 1;
      const media = batch.media.map((step, at) => ({
        ...step,
        patches: async () => {
          if (at === last) await wait(late);
          return step.patches();
        },
      }));
      const request = {
        batch: { ...batch, media },
        nextPositions: ends.map(({ nextPosition }) => nextPosition),
        completions: 1,
        maxNewTokens: 2,
        temperature: 0,
        stopTokens: [17],
        seed: "cancelled",
      };
      const drawn = await engine.sample(request);
      late = 3000;
      const stop = new AbortController();
      const cancelled = engine.sample(request, { signal: stop.signal });
      await wait(1500);
      stop.abort(new Error("enough"));
      await expect(cancelled).rejects.toThrow("enough");
      late = 0;
      expect(await engine.sample(request)).toEqual(drawn);
    });
  });

  /** Three steps of preferences against the weights that an engine has now. @returns their losses */
  const preferenceSteps = async (one: Engine): Promise<number[]> => {
    const objective = sumOfLosses(await makeLosses({ preference: { beta: 0.1, pairs: 4 } }));
    const own: number[] = [];
    await one.holdReference();
    for (let step = 0; step < 3; step++) {
      const texts = (i: number): { tokens: number[]; scoredFrom: number }[] =>
        [0, 1].map((side) => ({ tokens: [askToken, 16 + side, 18 + ((i + side) % 5)], scoredFrom: 1 }));
      const rows = clips.slice(0, 4).map((clip, i) => ({ clip: clip.patches, texts: texts(i) }));
      const { batch } = segmentsBatch(rows, rules, { tokens: tinyTokens });
      const scored = batch.scored.rows.length;
      const each = scored / 8;
      const answer = (at: number): number[] => Array.from({ length: each }, (_, k) => at * each + k);
      const pairs = rows.map((_, i) => ({
        id: "",
        kind: "answer" as const,
        chosen: answer(2 * i),
        rejected: answer(2 * i + 1),
      }));
      const before = await one.forward([batch], { weights: "reference" });
      const reference = sumsOfPairs(pairs, [...before.outputs[0]!.tokenLogprobs]);
      const feeds = preferenceFeeds({ batches: [batch], pairs, rows: scored }, reference, 4);
      await one.clearGradient();
      own.push((await takeStep(one, [batch], objective, feeds)).loss);
      await one.update(update);
    }
    return own;
  };

  test("20 steps with contrast; saved half-way by two, gone on with by two, by one and by the other engine; preferences against a reference", async () => {
    await using engine = await open(ranks);
    await using same = await open(whole);
    const [first, expected] = [await sftSteps(engine, 0, 10), await sftSteps(same, 0, 20)];
    const saved = join(work, "saved by two");
    await engine.save(saved, { optimizer: true });
    const rest = await sftSteps(engine, 10, 20);
    const closeLosses = (got: readonly number[], from: number): void => {
      got.forEach((loss, i) => {
        const other = expected[from + i]!;
        expect(Math.abs(loss - other)).toBeLessThanOrEqual(1e-4 * Math.max(other, expected[0]! / 100));
      });
    };
    closeLosses(first, 0);
    closeLosses(rest, 10);
    await using alone = await open(single);
    await alone.load(saved, { optimizer: true });
    await using embedded = await open(whole);
    await embedded.load(saved, { optimizer: true });
    for (const one of [alone, embedded]) closeLosses(await sftSteps(one, 10, 20), 10);
    // What one process saved two go on from.
    const other = join(work, "saved by one");
    await same.load(saved, { optimizer: true });
    await same.save(other, { optimizer: true });
    await engine.load(other, { optimizer: true });
    closeLosses(await sftSteps(engine, 10, 14), 10);
    // From the same weights and moments, with a reference of their own.
    for (const one of [engine, same]) await one.load(other, { optimizer: true });
    const [own, wanted] = [await preferenceSteps(engine), await preferenceSteps(same)];
    expect(wanted.at(-1)!).toBeLessThan(wanted[0]!);
    expectClose(own, wanted, 1e-4);
  });

  test.each([
    ["two ranks", ranks],
    ["one", single],
  ])(
    "bfloat16 products with float32 masters, %s: an adapter's gradient and update are float32's",
    async (_, engine) => {
      const cosine = (numbers: readonly Float32Array[], others: readonly Float32Array[]): number => {
        let [dot, own, other] = [0, 0, 0];
        others.forEach((wanted, i) => {
          wanted.forEach((x, k) => {
            dot += x * numbers[i]![k]!;
            own += numbers[i]![k]! ** 2;
            other += x * x;
          });
        });
        expect(own).not.toBe(other);
        return dot / Math.sqrt(own * other);
      };
      await using rough = await open(`${engine},compute=bfloat16`, "adapter");
      await using same = await open(whole, "adapter");
      const batch = batchOf(0, 3);
      const said = async (one: Engine): Promise<Float32Array> =>
        (await one.forward([batch])).outputs[0]!.tokenLogprobs;
      const changes: Float32Array[] = [];
      const found: Float32Array[][] = [];
      for (const one of [rough, same]) {
        const before = await said(one);
        await one.backward(await one.forward([batch], { keep: "graph" }), [cotangentsOf(batch, "rough")]);
        found.push(await gradients(one));
        // Far enough to be seen through the rounding.
        await one.update({ ...update, learningRate: 0.3 });
        const after = await said(one);
        changes.push(after.map((value, i) => value - before[i]!));
      }
      expect(cosine(found[0]!, found[1]!)).toBeGreaterThan(0.99);
      expect(cosine([changes[0]!], [changes[1]!])).toBeGreaterThan(0.95);
    },
  );

  const noFixture = sharedMissing("two ranks against a parity fixture");
  test.skipIf(noFixture)("a fixture of transformers: every item agrees", async () => {
    const { cases } = await verifyFixture(sharedFile("data/fixtures/small-tied"), {
      engine: ranks,
      threads: 2,
    });
    const items = cases.flatMap((one) => one.items.map((item) => ({ case: one.name, ...item })));
    expect(items.filter(({ pass }) => !pass)).toEqual([]);
    expect(items.length).toBeGreaterThan(100);
  });

  test("a rank dials again while the trainer has no name yet; behind a wrapper it says what is wrong", async () => {
    const start = (environment: Readonly<Record<string, string>>) => {
      const child = spawn(oraclePython, ["-P", ...workerModule], {
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, PYTHONPATH: pythonPath, [workerEnvironment.port]: "9", ...environment },
      });
      let said = "";
      child.stderr.setEncoding("utf8").on("data", (piece: string) => {
        said += piece;
      });
      const ended = new Promise<string>((done) => child.once("close", () => done(said)));
      return { child, ended };
    };
    const dialling = start({ [workerEnvironment.host]: "nowhere.invalid" });
    const wrapped = start({ [workerEnvironment.parent]: "1" });
    expect(await wrapped.ended).toMatch(
      /^started by process \d+, not by 1: name Python itself, no wrapper\n$/,
    );
    expect(await Promise.race([dialling.ended, wait(4000)])).toBeUndefined();
    dialling.child.kill("SIGKILL");
    await dialling.ended;
  });

  interface Process {
    readonly id: number;
    readonly parent: number;
    readonly words: string;
  }
  const processes = (): Process[] =>
    execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" })
      .split("\n")
      .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
      .flatMap((found) =>
        found === null ? [] : [{ id: Number(found[1]), parent: Number(found[2]), words: found[3]! }],
      );
  /** Launcher and ranks below this process. */
  const group = (): { launcher: Process | undefined; ranks: Process[] } => {
    const all = processes();
    const launcher = all.find(
      ({ parent, words: line }) => parent === process.pid && line.includes("videoperceiver_torch.launch"),
    );
    return { launcher, ranks: all.filter(({ parent }) => parent === launcher?.id) };
  };

  test("a rank that is stopped before it is a program of ours ends with a launcher that is killed", async () => {
    // A program that asks the kernel for nothing itself.
    const asked = ["--standalone", "--max-restarts=0", "--nproc-per-node=1", "--no-python", "sleep", "600"];
    const starter = spawn(oraclePython, ["-P", "-m", "videoperceiver_torch.launch", ...asked], {
      stdio: "ignore",
      env: { ...process.env, PYTHONPATH: pythonPath },
    });
    const rank = (): Process | undefined => processes().find(({ parent }) => parent === starter.pid);
    for (let i = 0; i < 600 && rank() === undefined; i++) await wait(100);
    const { id } = rank()!;
    process.kill(id, "SIGSTOP");
    starter.kill("SIGKILL");
    const isThere = (): boolean => processes().some((one) => one.id === id && !one.words.includes("defunct"));
    for (let i = 0; i < 100 && isThere(); i++) await wait(100);
    const left = isThere();
    if (left) process.kill(id, "SIGKILL");
    expect(left).toBe(false);
  });

  test.each([
    [
      "a rank is killed",
      /: rank 1 on \S+, forward; got its (process was ended by SIGKILL|connection ended);/,
    ],
    ["a rank is stopped", /: rank 1 on \S+, forward; got no sign of life of process \d+ for 4 s;/],
    [
      "the launcher is killed",
      /: 2 ranks on \S+, forward; got their launcher: its process was ended by SIGKILL;/,
    ],
  ])("%s: one line, no process left", async (what, line) => {
    const engine = await open(`${ranks},heartbeatSeconds=4`);
    const { launcher, ranks: own } = group();
    expect(own).toHaveLength(2);
    const victim = what.includes("launcher") ? launcher!.id : own[1]!.id;
    const batch = batchOf(0, 2);
    await engine.forward([batch]);
    process.kill(victim, what.includes("stopped") ? "SIGSTOP" : "SIGKILL");
    await expectLost(engine, batch, line);
    const left = (): Process[] =>
      processes().filter(({ id }) => [launcher!.id, ...own.map((one) => one.id)].includes(id));
    for (let i = 0; i < 100 && left().length > 0; i++) await wait(100);
    expect(left()).toEqual([]);
  });
});
