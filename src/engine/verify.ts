/**
 * Compares the engine with the numbers of a parity fixture: positions, visual tokens, states, logits,
 * log-probabilities, loss, gradients and greedy tokens.
 *
 * Legend: B rows, T columns of the case's token ids.
 */

import type { BatchRules } from "../batch/batch-rules.ts";
import { idsBatch } from "../batch/ids-batch.ts";
import type { TokenBatch } from "../batch/token-batch.ts";
import { UnsupportedError } from "../core/errors.ts";
import { batchRules } from "../model/batch-rules.ts";
import { comparedIndices, compareNumbers } from "../model/comparison.ts";
import type { ModelConfig } from "../model/config.ts";
import { type ModelCase, type ModelFixture, openFixture } from "../model/fixture.ts";
import { type CaseReport, type ItemReport, verifyProcessorFixture } from "../model/verify-processor.ts";
import type { Cotangents, Engine } from "./contract.ts";
import { type EngineChoice, openEngine } from "./engines.ts";
import { everyRow, labelledRows, type PreparedCase, packLeft, prepareCase } from "./fixture-batch.ts";

/** How a fixture is verified. */
export interface VerifyOptions extends EngineChoice {
  /** Called after each case. */
  readonly onCase?: (report: CaseReport) => void;
}

/** All comparisons of a fixture. */
export interface VerifyReport {
  readonly kind: "model" | "processor";
  readonly cases: readonly CaseReport[];
  /** True when every item passed. */
  readonly pass: boolean;
}

/** [B, T] without its last column, or with a column of zeros behind [B, T - 1]. */
const changeColumns = (data: Float32Array, rows: number, from: number, to: number): Float32Array => {
  const out = new Float32Array(rows * to);
  for (let row = 0; row < rows; row++)
    out.set(data.subarray(row * from, row * from + Math.min(from, to)), row * to);
  return out;
};

/** Verifies the cases of one model. */
class ModelVerifier {
  readonly #fixture: ModelFixture;
  readonly #config: ModelConfig;
  readonly #rules: BatchRules;
  readonly #engine: Engine;
  readonly #inspect: NonNullable<Engine["inspect"]>;

  constructor(fixture: ModelFixture, config: ModelConfig, engine: Engine) {
    this.#fixture = fixture;
    this.#config = config;
    this.#rules = batchRules(config);
    this.#engine = engine;
    if (engine.inspect === undefined)
      throw new UnsupportedError("verify with an engine that shows no logits", {
        got: engine.capabilities.engine,
        hint: "choose another --engine",
      });
    this.#inspect = (batch, options) => engine.inspect!(batch, options);
  }

  async verify(one: ModelCase): Promise<CaseReport> {
    const prepared = await prepareCase(one, this.#config);
    const got = new Map<string, ArrayLike<number>>();
    got.set("position_ids", prepared.positions.positions_3BT);
    await this.#forward(prepared, got);
    if (one.expected.includes("loss")) got.set("loss", [await this.#loss(prepared)]);
    const gradients = one.expected.filter((what) => what.startsWith("grad."));
    if (gradients.length > 0) {
      await this.#backward(prepared, one.gradientOf);
      for (const what of gradients) {
        const name = what.slice("grad.".length).replace(".modules_to_save.", ".");
        got.set(what, await this.#engine.read(name, "gradient"));
      }
    }
    if (one.newTokens !== undefined && one.expected.includes("greedy"))
      got.set("greedy", await this.#greedy(prepared, one.newTokens));
    const items: ItemReport[] = [];
    for (const item of one.expected) {
      const expected = await one.value(item);
      const tolerance = this.#fixture.exact.includes(item)
        ? { absolute: 0 }
        : { relativeToMax: this.#fixture.relativeToMax };
      const { attentionMask_BT, columns } = prepared.inputs;
      const counts = comparedIndices(item, expected.shape, attentionMask_BT, columns);
      items.push({ item, ...compareNumbers(expected.data, got.get(item) ?? [], tolerance, counts) });
    }
    return { name: one.name, items };
  }

  async #forward({ inputs, ids }: PreparedCase, got: Map<string, ArrayLike<number>>): Promise<void> {
    const { rows, targets } = everyRow(inputs);
    const taps = Array.from({ length: this.#config.text.layers }, (_, layer) => ({ block: layer + 1, rows }));
    const batch = idsBatch(ids, this.#rules, { scoredRows: rows, targets, taps });
    const result = await this.#inspect(batch);
    got.set("logits", result.logits!);
    const { columns } = inputs;
    got.set("token_logprobs", changeColumns(result.tokenLogprobs, inputs.rows, columns, columns - 1));
    for (const [block, state] of result.states) got.set(`hidden.${block}`, state);
    if (result.visualTokens === undefined) return;
    // Steps that occur twice are computed once: the tokens of each place are those that its rows show.
    const { image, video } = this.#config.tokens;
    got.set("vision.images", this.#shown(batch, image, result.visualTokens));
    got.set("vision.videos", this.#shown(batch, video, result.visualTokens));
  }

  /** Visual tokens behind the placeholders of one kind, in order. */
  #shown({ ids, source }: TokenBatch, placeholder: number, visualTokens: Float32Array): number[] {
    const width = this.#config.vision.outHiddenSize;
    return [...ids.keys()]
      .filter((row) => ids[row] === placeholder)
      .flatMap((row) => [...visualTokens.subarray(source[row]! * width, (source[row]! + 1) * width)]);
  }

  async #loss({ inputs, ids }: PreparedCase): Promise<number> {
    const { rows, targets } = labelledRows(inputs);
    const batch = idsBatch(ids, this.#rules, { scoredRows: rows, targets });
    const { tokenLogprobs } = (await this.#engine.forward([batch])).outputs[0]!;
    return -tokenLogprobs.reduce((sum, value) => sum + value, 0) / rows.length;
  }

  async #backward({ inputs, ids }: PreparedCase, of: ModelCase["gradientOf"]): Promise<void> {
    await this.#engine.clearGradient();
    if (of === "loss") {
      const { rows, targets } = labelledRows(inputs);
      const tokenLogprobs = new Float32Array(rows.length).fill(-1 / rows.length);
      const batch = idsBatch(ids, this.#rules, { scoredRows: rows, targets });
      return this.#pullBack(batch, { tokenLogprobs, states: new Map() });
    }
    const { rows, targets } = everyRow(inputs);
    const given = inputs.cotangentOfLogprobs;
    const taps = [...inputs.cotangentOfHidden.keys()].map((block) => ({ block, rows }));
    const scored = given === undefined ? { rows: [], targets: [] } : { rows, targets };
    const wanted = { scoredRows: scored.rows, targets: scored.targets, taps };
    return this.#pullBack(idsBatch(ids, this.#rules, wanted), {
      tokenLogprobs: given && changeColumns(given, inputs.rows, inputs.columns - 1, inputs.columns),
      states: inputs.cotangentOfHidden,
    });
  }

  async #pullBack(batch: TokenBatch, cotangents: Cotangents): Promise<void> {
    const pass = await this.#engine.forward([batch], { keep: "graph" });
    await this.#engine.backward(pass, [cotangents]);
  }

  /** Tokens of every row, generated from its own tokens alone: [B, newTokens]. */
  async #greedy({ inputs, ids, positions }: PreparedCase, newTokens: number): Promise<number[]> {
    const packed = packLeft(ids, this.#config.tokens.pad ?? 0);
    const scoredRows = packed.lengths.map((length, row) => row * inputs.columns + length - 1);
    const batch = idsBatch(packed.ids, this.#rules, { scoredRows, targets: packed.lengths.map(() => 0) });
    const drawn = await this.#engine.sample({
      batch,
      nextPositions: [...positions.next_B],
      completions: 1,
      maxNewTokens: newTokens,
      temperature: 0,
      stopTokens: [],
      seed: "greedy",
    });
    return drawn.flatMap(([completion]) => completion!.tokens);
  }
}

const verifyModel = async (fixture: ModelFixture, options: VerifyOptions): Promise<CaseReport[]> => {
  const { adapter: adapterFolder, checkpoint: folder } = fixture;
  const adapted = adapterFolder === undefined ? {} : { adapterFolder };
  const trained = adapterFolder === undefined ? "all" : "adapter";
  const request = { folder, trained, recurringShapes: 1, ...adapted } as const;
  const { config, engine } = await openEngine(options, request);
  await using _ = engine;
  const verifier = new ModelVerifier(fixture, config, engine);
  const reports: CaseReport[] = [];
  for (const one of fixture.cases) {
    reports.push(await verifier.verify(one));
    options.onCase?.(reports.at(-1)!);
  }
  return reports;
};

/**
 * Verifies a parity fixture of any kind (interfaces.md, "Parity fixture").
 *
 * @throws {DataFormatError} when the folder is no fixture
 * @throws {WeightsError} when its checkpoint or adapter does not fit
 */
export const verifyFixture = async (folder: string, options: VerifyOptions): Promise<VerifyReport> => {
  const fixture = await openFixture(folder);
  let cases: CaseReport[];
  try {
    if (fixture.kind === "processor") {
      cases = await verifyProcessorFixture(folder);
      for (const report of cases) options.onCase?.(report);
    } else cases = await verifyModel(fixture, options);
  } finally {
    await fixture.close();
  }
  const pass = cases.every(({ items }) => items.every((item) => item.pass));
  return { kind: fixture.kind, cases, pass };
};
