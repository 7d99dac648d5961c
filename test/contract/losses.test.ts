import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { gradient } from "../../src/graph/differentiate.ts";
import type { FeedSize } from "../../src/graph/objective.ts";
import { input } from "../../src/graph/ops/inputs.ts";
import { elementCount, type Value } from "../../src/graph/value.ts";
import { type LossTerm, lossRegistry, sumOfLosses } from "../../src/objectives/losses.ts";
import { interpret } from "../interpret.ts";

const width = 5;
const names = lossRegistry.names();

/** Rows of every group, and scored tokens. */
interface Sizes {
  readonly scored: number;
  readonly contrasted: number;
}

/** A loss over inputs instead of a model. */
const built = (
  term: LossTerm,
  { scored, contrasted }: Sizes,
): { loss: Value; metrics: Record<string, Value>; inputs: Map<string, Value>; signals: string[] } => {
  const inputs = new Map<string, Value>();
  const signals = new Set<string>();
  const declare = (name: string, sizes: readonly number[]): Value => {
    const value = inputs.get(name) ?? input(name, sizes);
    inputs.set(name, value);
    return value;
  };
  const size = (axis: FeedSize): number => {
    if (typeof axis === "number") return axis;
    return axis === "scored" ? scored : contrasted;
  };
  const { loss, metrics } = sumOfLosses({ own: term }).build({
    get tokenLogprobs(): Value {
      signals.add("tokenLogprobs");
      return declare("tokenLogprobs", [scored]);
    },
    state: (block, group) => {
      expect(term.states).toContainEqual({ block, group });
      signals.add(`state.${block}.${group}`);
      return declare(`state.${block}.${group}`, [contrasted, width]);
    },
    feed: (name) => {
      expect(Object.keys(term.feeds)).toContain(name);
      return declare(name, term.feeds[name]!.map(size));
    },
  });
  return { loss, metrics: { ...metrics }, inputs, signals: [...signals] };
};

type Numbers = Record<string, number[]>;

/** Plausible numbers for every input that the losses declare. */
const draw = (inputs: ReadonlyMap<string, Value>, seed: number): Numbers => {
  const random = seededRandom("loss", seed);
  const numbers = (name: string): (() => number) => {
    if (/logprobs/i.test(name)) return () => -0.2 - 2 * random.next();
    if (name === "weights") return () => random.next();
    if (/mask/i.test(name)) return () => 0;
    return () => random.normal();
  };
  return Object.fromEntries(
    [...inputs].map(([name, { shape }]) => {
      const next = numbers(name);
      return [name, Array.from({ length: elementCount(shape) }, next)];
    }),
  );
};

describe.each(names)("loss %s", (name) => {
  const shape = { scored: 6, contrasted: 3 };
  const make = async (): Promise<LossTerm> => (await lossRegistry.make(name)).value;

  test("its gradient agrees with finite differences", async () => {
    const { loss, inputs, signals } = built(await make(), shape);
    expect(loss.shape).toEqual([]);
    expect(signals.length).toBeGreaterThan(0);
    const gradients = gradient(
      loss,
      signals.map((signal) => inputs.get(signal)!),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (seed) => {
        const feeds = draw(inputs, seed);
        const derived = interpret(
          gradients.map((value) => value!),
          feeds,
        );
        signals.forEach((signal, i) => {
          const at = seed % feeds[signal]!.length;
          const step = 1e-6;
          const moved = (by: number): number =>
            interpret([loss], { ...feeds, [signal]: feeds[signal]!.with(at, feeds[signal]![at]! + by) })[0]!
              .data[0]!;
          const slope = (moved(step) - moved(-step)) / (2 * step);
          const value = derived[i]!.data[at]!;
          // Central differences in float64 of a loss around 1 to 100 (temperature 0.05).
          expect(Math.abs(slope - value), `${signal}[${at}]`).toBeLessThan(1e-6 * (10 + Math.abs(slope)));
        });
      }),
      { numRuns: 40 },
    );
  });

  test("masked positions (weight 0) get no gradient and do not change the loss", async () => {
    const term = await make();
    const { loss, inputs } = built(term, shape);
    expect(inputs.has("weights") || term.states.length > 0).toBe(true);
    if (!inputs.has("weights")) return;
    const logprobs = inputs.get("tokenLogprobs")!;
    const [derivative] = gradient(loss, [logprobs]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.subarray([0, 1, 2, 3, 4, 5]), (seed, masked) => {
        const feeds = draw(inputs, seed);
        for (const at of masked) feeds["weights"]![at] = 0;
        const [value, slope] = interpret([loss, derivative!], feeds);
        for (const at of masked) expect(Math.abs(slope!.data[at]!)).toBe(0);
        const others = { ...feeds };
        others["tokenLogprobs"] = feeds["tokenLogprobs"]!.map((x, at) => (masked.includes(at) ? x - 1 : x));
        expect(interpret([loss], others)[0]!.data[0]).toBeCloseTo(value!.data[0]!, 12);
      }),
      { numRuns: 40 },
    );
  });

  test("what it declares is what it reads, and a sum that is additive says so rightly", async () => {
    const term = await make();
    const { inputs } = built(term, shape);
    const declared = [
      ...term.states.map(({ block, group }) => `state.${block}.${group}`),
      ...Object.keys(term.feeds),
    ];
    expect([...inputs.keys()].filter((key) => key !== "tokenLogprobs").sort()).toEqual(declared.sort());
    if (!term.additive) return;
    const whole = built(term, shape);
    const feeds = draw(whole.inputs, 5);
    const part = built(term, { scored: 3, contrasted: 3 });
    const half = (from: number): Numbers =>
      Object.fromEntries(Object.entries(feeds).map(([key, values]) => [key, values.slice(from, from + 3)]));
    const value = (loss: Value, given: Numbers): number => interpret([loss], given)[0]!.data[0]!;
    expect(value(part.loss, half(0)) + value(part.loss, half(3))).toBeCloseTo(value(whole.loss, feeds), 9);
  });

  test("every metric is a scalar", async () => {
    const { metrics } = built(await make(), shape);
    expect(Object.keys(metrics).length).toBeGreaterThan(0);
    for (const metric of Object.values(metrics)) expect(metric.shape).toEqual([]);
  });
});

describe("contrastive: the checks of the paper's equations (temperature 1)", () => {
  const groups = ["complete", "absent", "view", "keywords"];
  /** Rows of h, a, v, t in turn. */
  const metricsOf = async (
    rows: readonly (readonly number[])[],
    contrasted: number,
    given: Numbers = {},
    params: object = {},
  ): Promise<Numbers> => {
    const chosen = { block: 2, weight: 1, temperature: 1, ...params };
    const term = (await lossRegistry.make("contrastive", chosen)).value;
    const { metrics, inputs } = built(term, { scored: 1, contrasted });
    const padded = rows.map((row) => Array.from({ length: width }, (_, i) => row[i] ?? 0));
    const feeds: Numbers = Object.fromEntries(
      groups.map((group, i) => [
        `state.2.${group}`,
        padded.slice(i * contrasted, (i + 1) * contrasted).flat(),
      ]),
    );
    Object.assign(feeds, given);
    for (const [name, { shape }] of inputs) feeds[name] ??= new Array<number>(elementCount(shape)).fill(0);
    const keys = Object.keys(metrics);
    const values = interpret(Object.values(metrics), feeds);
    return Object.fromEntries(keys.map((key, i) => [key, [values[i]!.data[0]!]]));
  };
  const [x, y] = [
    [1, 0],
    [0, 1],
  ];

  test("positive at similarity 1, one negative at 0: ln(1 + 1/e) = 0.3133", async () => {
    const { t2v, v2v } = await metricsOf([x!, y!, x!, x!], 1);
    expect(t2v![0]).toBeCloseTo(Math.log(1 + Math.exp(-1)), 9);
    expect(t2v![0]).toBeCloseTo(0.3133, 4);
    expect(v2v![0]).toBeCloseTo(0.3133, 4);
  });

  test("equal similarities with one negative: ln 2 = 0.6931", async () => {
    const { t2v, v2v } = await metricsOf([x!, x!, x!, x!], 1);
    expect(t2v![0]).toBeCloseTo(Math.log(2), 9);
    expect(v2v![0]).toBeCloseTo(Math.log(2), 9);
  });

  test("a clip without a twin (twinMask) is no negative: its absent row gets no gradient", async () => {
    const term = (await lossRegistry.make("contrastive", { block: 2 })).value;
    const { loss, inputs } = built(term, { scored: 1, contrasted: 3 });
    const states = inputs.get("state.2.absent")!;
    const feeds = draw(inputs, 7);
    feeds["twinMask"] = [0, -1e9, 0];
    const [slope] = interpret([gradient(loss, [states])[0]!], feeds);
    const rowOf = (row: number): number[] => [...slope!.data.subarray(row * width, (row + 1) * width)];
    expect(rowOf(1).every((value) => value === 0)).toBe(true);
    expect(rowOf(0).some((value) => value !== 0)).toBe(true);
  });

  /** Slopes of the three losses with respect to one group's rows, at random states. */
  const slopeOf = async (metric: string, group: string, params: object = {}): Promise<number[]> => {
    const term = (await lossRegistry.make("contrastive", { block: 2, ...params })).value;
    const { metrics, inputs } = built(term, { scored: 1, contrasted: 3 });
    const states = inputs.get(`state.2.${group}`)!;
    const derived = gradient(metrics[metric]!, [states])[0];
    if (derived === undefined) return [];
    return [...interpret([derived], draw(inputs, 11))[0]!.data];
  };
  test("each loss moves what it is about, and nothing else", async () => {
    const reads: Record<string, string[]> = {
      v2v: ["complete", "absent", "view"],
      t2v: ["complete", "absent", "keywords"],
      v2t: ["complete", "keywords"],
    };
    for (const [metric, own] of Object.entries(reads))
      for (const group of groups) {
        const slopes = await slopeOf(metric, group);
        expect(
          slopes.some((value) => Math.abs(value) > 1e-6),
          `${metric} ${group}`,
        ).toBe(own.includes(group));
      }
  });
  test("nearer to the right one is a smaller loss, nearer to the twin a larger one", async () => {
    const [near, far] = [
      [1, 0.2],
      [1, 2],
    ];
    // Anchor x; its positive, its twin.
    const better = await metricsOf([x!, far!, near!, near!], 1);
    const worse = await metricsOf([x!, near!, far!, far!], 1);
    for (const name of ["v2v", "t2v"]) expect(better[name]![0]!).toBeLessThan(worse[name]![0]! - 0.1);
  });
  test("loss is weight times the sum of the three", async () => {
    const term = (await lossRegistry.make("contrastive", { block: 2, weight: 0.25 })).value;
    const { loss, metrics, inputs } = built(term, { scored: 1, contrasted: 3 });
    const [whole, ...parts] = interpret(
      [loss, metrics["v2v"]!, metrics["t2v"]!, metrics["v2t"]!],
      draw(inputs, 3),
    );
    const sum = parts.reduce((total, { data }) => total + data[0]!, 0);
    expect(sum).toBeGreaterThan(1);
    expect(whole!.data[0]).toBeCloseTo(0.25 * sum, 9);
  });
  test("masked texts and queue entries are no negatives: they get no gradient and change nothing", async () => {
    const term = (await lossRegistry.make("contrastive", { block: 2, queue: 2, width })).value;
    const { loss, inputs } = built(term, { scored: 1, contrasted: 3 });
    const feeds = draw(inputs, 9);
    feeds["textMask"] = [0, -1e9, 0, 0, 0, 0, 0, 0, 0];
    for (const name of ["queuedAbsentMask", "queuedViewMask", "queuedTextMask"])
      feeds[name] = feeds[name]!.map((_, i) => (i % 2 === 1 ? -1e9 : 0));
    const value = (given: Numbers): number => interpret([loss], given)[0]!.data[0]!;
    const before = value(feeds);
    for (const name of ["queuedAbsent", "queuedViews", "queuedTexts"]) {
      const moved = (row: number): Numbers => ({
        ...feeds,
        [name]: feeds[name]!.map((one, i) => (Math.floor(i / width) === row ? one + 0.5 * (i % 2) : one)),
      });
      expect(value(moved(1)), name).toBe(before);
      expect(value(moved(0)), name).not.toBe(before);
    }
    const [h, t] = [inputs.get("state.2.complete")!, inputs.get("state.2.keywords")!];
    const unmasked = { ...feeds, textMask: new Array<number>(9).fill(0) };
    expect(value(unmasked)).toBeGreaterThan(before);
    expect(gradient(loss, [h, t]).every((one) => one !== undefined)).toBe(true);
  });

  test("a masked view is no negative (viewMask), and with the clip's own twin alone there is no such feed", async () => {
    const rows = [x!, y!, [0, 0, 1], [0, 0, 1], x!, x!, x!, y!];
    const [both, masked] = [
      await metricsOf(rows, 2),
      await metricsOf(rows, 2, { viewMask: [0, -1e9, -1e9, 0] }),
    ];
    // The first clip: its view at similarity 1, two twins at 0, and the other view at 1 unless it is hidden.
    // The second one: its view at 0, two twins at 0, and the other view at 0 unless it is hidden.
    const e = Math.exp(1);
    expect(both["v2v"]![0]).toBeCloseTo((Math.log((2 * e + 2) / e) + Math.log(4)) / 2, 9);
    expect(masked["v2v"]![0]).toBeCloseTo((Math.log((e + 2) / e) + Math.log(3)) / 2, 9);
    const own = (await lossRegistry.make("contrastive", { block: 2, negatives: "own" })).value;
    expect(Object.keys(own.feeds)).toEqual(["twinMask", "textMask"]);
  });

  test("one clip alone: v2t is 0", async () => {
    expect((await metricsOf([x!, y!, x!, y!], 1))["v2t"]![0]).toBeCloseTo(0, 9);
  });

  test("two clips against plain sums over all pairs", async () => {
    const random = seededRandom("pairs");
    const rows = Array.from({ length: 8 }, () => Array.from({ length: width }, () => random.normal()));
    const cosine = (a: readonly number[], b: readonly number[]): number =>
      a.reduce((sum, value, i) => sum + value * b[i]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
    const [h, a, v, t] = [0, 2, 4, 6].map((at) => rows.slice(at, at + 2)) as [
      number[][],
      number[][],
      number[][],
      number[][],
    ];
    const mean = (loss: (i: number) => number): number => (loss(0) + loss(1)) / 2;
    const e = (p: readonly number[], q: readonly number[]): number => Math.exp(cosine(p, q));
    const all = (p: readonly number[], list: readonly (readonly number[])[]): number =>
      list.reduce((sum, q) => sum + e(p, q), 0);
    const result = await metricsOf(rows, 2);
    expect(result["v2v"]![0]).toBeCloseTo(
      mean((i) => -Math.log(e(h[i]!, v[i]!) / (all(h[i]!, a) + all(h[i]!, v)))),
      8,
    );
    expect(result["t2v"]![0]).toBeCloseTo(
      mean((i) => -Math.log(e(t[i]!, h[i]!) / (e(t[i]!, h[i]!) + all(t[i]!, a)))),
      8,
    );
    expect(result["v2t"]![0]).toBeCloseTo(
      mean((i) => -Math.log(e(h[i]!, t[i]!) / all(h[i]!, t))),
      8,
    );
    const own = await metricsOf(rows, 2, {}, { negatives: "own" });
    expect(own["v2v"]![0]).toBeCloseTo(
      mean((i) => -Math.log(e(h[i]!, v[i]!) / (e(h[i]!, v[i]!) + e(h[i]!, a[i]!)))),
      8,
    );
    expect(own["t2v"]![0]).toBeCloseTo(
      mean((i) => -Math.log(e(t[i]!, h[i]!) / (e(t[i]!, h[i]!) + e(t[i]!, a[i]!)))),
      8,
    );
    const [qa, qv, qt] = [0, 1, 2].map(() =>
      Array.from({ length: 3 }, () => Array.from({ length: width }, () => random.normal())),
    ) as [number[][], number[][], number[][]];
    const remembered = { queuedAbsent: qa.flat(), queuedViews: qv.flat(), queuedTexts: qt.flat() };
    const queued = await metricsOf(rows, 2, remembered, { queue: 3, width });
    expect(queued["v2v"]![0]).toBeCloseTo(
      mean((i) => -Math.log(e(h[i]!, v[i]!) / (all(h[i]!, [...a, ...qa]) + all(h[i]!, [...v, ...qv])))),
      8,
    );
    expect(queued["t2v"]![0]).toBeCloseTo(
      mean((i) => -Math.log(e(t[i]!, h[i]!) / (e(t[i]!, h[i]!) + all(t[i]!, [...a, ...qa])))),
      8,
    );
    expect(queued["v2t"]![0]).toBeCloseTo(
      mean((i) => -Math.log(e(h[i]!, t[i]!) / all(h[i]!, [...t, ...qt]))),
      8,
    );
  });
});

describe("losses on tokens against plain sums", () => {
  const evaluated = async (name: string, params: object, feeds: Numbers): Promise<Numbers> => {
    const term = (await lossRegistry.make(name, params)).value;
    const { loss, metrics } = built(term, { scored: 6, contrasted: 1 });
    const all = { loss, ...metrics };
    const values = interpret(Object.values(all), feeds);
    return Object.fromEntries(Object.keys(all).map((key, i) => [key, [values[i]!.data[0]!]]));
  };
  const random = seededRandom("tokens");
  const numbers = (make: () => number): number[] => Array.from({ length: 6 }, make);

  test("cross-entropy is the weighted surprise of the targets", async () => {
    const [weights, tokenLogprobs] = [numbers(() => random.next()), numbers(() => -3 * random.next())];
    const { loss } = await evaluated("cross-entropy", {}, { weights, tokenLogprobs });
    expect(loss![0]).toBeCloseTo(
      weights.reduce((sum, w, i) => sum - w * tokenLogprobs[i]!, 0),
      9,
    );
    expect(loss![0]).toBeGreaterThan(0);
  });

  test("policy gradient: the smaller of both surrogates, and a penalty that is 0 at the reference only", async () => {
    const [clip, beta] = [0.2, 0.04];
    for (let draw = 0; draw < 20; draw++) {
      const tokenLogprobs = numbers(() => -0.2 - 2 * random.next());
      const feeds = {
        tokenLogprobs,
        weights: numbers(() => random.next()),
        advantages: numbers(() => random.normal()),
        oldLogprobs: tokenLogprobs.map((x) => x + 0.6 * random.normal()),
        referenceLogprobs: tokenLogprobs.map((x) => x + random.normal()),
      };
      let [policy, kl] = [0, 0];
      tokenLogprobs.forEach((p, m) => {
        const ratio = Math.exp(p - feeds.oldLogprobs[m]!);
        const advantage = feeds.advantages[m]!;
        const clipped = Math.min(1 + clip, Math.max(1 - clip, ratio));
        policy -= feeds.weights[m]! * Math.min(ratio * advantage, clipped * advantage);
        const reference = feeds.referenceLogprobs[m]! - p;
        kl += feeds.weights[m]! * (Math.exp(reference) - reference - 1);
      });
      const result = await evaluated("policy-gradient", { clip, beta }, feeds);
      expect(result["policy"]![0]).toBeCloseTo(policy, 6);
      expect(result["kl"]![0]).toBeCloseTo(kl, 6);
      expect(result["kl"]![0]).toBeGreaterThan(0);
      expect(result["loss"]![0]).toBeCloseTo(policy + beta * kl, 6);
    }
  });
});
