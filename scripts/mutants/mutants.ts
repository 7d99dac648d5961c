import { comparisonMutants } from "./comparison-mutants.ts";
import { fragmentMutants } from "./fragment-mutants.ts";

/** A change of one line that some test must notice. */
export interface Mutant {
  /** Named in `VIDEOPERCEIVER_MUTANT` and in the runner's output. */
  readonly id: string;
  /** File below the repository, and the whole line there without its indentation; it stands there exactly once. */
  readonly file: string;
  readonly line: string;
  /** What stands there instead. */
  readonly to: string;
  /** Test files of which at least one test must fail. */
  readonly tests: readonly string[];
  /** Only tests whose name matches, to save time. */
  readonly only?: string;
}

const layout = "src/batch/segments-layout.ts";
const contrastive = "src/objectives/losses/contrastive.ts";
const segments = ["test/unit/engine/segments-batch.test.ts"];
const losses = ["test/contract/losses.test.ts"];
const preference = "src/objectives/losses/preference.ts";
const preferences = ["test/unit/objectives/preference.test.ts"];
const controls = ["test/unit/training/contrast-controls.test.ts"];

/** Every mutant, by room. To add some: a line of this list, then `node scripts/mutants/run.ts ID`. */
export const mutants: readonly Mutant[] = [
  {
    id: "tail-cut-anywhere",
    file: "src/engine/onnx/lowering/visibility.ts",
    line: "tail.filter((t) => crossed[t] === 0),",
    to: "tail,",
    tests: ["test/unit/engine/tail.test.ts"],
  },
  {
    id: "draws-by-place",
    file: "src/engine/draw-completions.ts",
    line: "const number = request.numbers?.[prompt] ?? prompt;",
    to: "const number = prompt;",
    tests: ["test/unit/training/conversation-prompts.test.ts"],
    only: "pieces of any size",
  },
  {
    id: "twin-end-named",
    file: layout,
    line: "end: isNamed ? endAbsent : endComplete,",
    to: "end: endAbsent,",
    tests: segments,
  },
  {
    id: "twin-end-named-trains",
    file: layout,
    line: "end: isNamed ? endAbsent : endComplete,",
    to: "end: endAbsent,",
    tests: controls,
    only: "t2v cannot fall",
  },
  {
    id: "literal-is-shared",
    file: layout,
    line: 'const isNamed = isPacked || this.#encoding === "literal";',
    to: "const isNamed = isPacked;",
    tests: segments,
  },
  {
    id: "blind-clip-contrasted",
    file: layout,
    line: 'group: isBlind || this.sizes.tail?.first !== undefined ? undefined : "complete",',
    to: 'group: this.sizes.tail?.first !== undefined ? undefined : "complete",',
    tests: segments,
  },
  {
    id: "blind-twin-contrasted",
    file: layout,
    line: "if (!isBlind) this.#writeTail(sample, segment, one, own[sample]!);",
    to: "this.#writeTail(sample, segment, one, own[sample]!);",
    tests: segments,
  },
  {
    id: "keywords-see-the-clip",
    file: layout,
    line: "const segment = this.rows.segment(isPacked ? before : -1, endBlock);",
    to: "const segment = this.rows.segment(complete, endBlock);",
    tests: segments,
  },
  {
    id: "texts-do-not-see-the-clip",
    file: layout,
    line: "const segment = this.rows.segment(before.segment, 0);",
    to: "const segment = this.rows.segment(-1, 0);",
    tests: segments,
  },
  {
    id: "twin-shows-the-clip",
    file: layout,
    line: "for (const [step, patches] of contrast?.absentSteps ?? []) places[step] = this.#shown(patches, clip);",
    to: "for (const [, patches] of contrast?.absentSteps ?? []) this.#shown(patches, clip);",
    tests: segments,
  },
  {
    id: "dropout-everywhere",
    file: layout,
    line: "if (dropped === true && shown !== blankSource) this.viewRows.push(first + at);",
    to: "if (shown !== blankSource) this.viewRows.push(first + at);",
    tests: segments,
  },
  {
    id: "text-score-off-by-one",
    file: layout,
    line: "this.scoredRows.push(token === 0 ? before.end : start + token - 1);",
    to: "this.scoredRows.push(token === 0 ? before.end : start + token);",
    tests: segments,
  },
  {
    id: "dropout-keeps-what-it-drops",
    file: "src/batch/visual-scale.ts",
    line: "for (let i = 0; i < rows.length * width; i++) if (random.next() >= dropout) kept[i >> 3]! |= 1 << (i & 7);",
    to: "for (let i = 0; i < rows.length * width; i++) if (random.next() < dropout) kept[i >> 3]! |= 1 << (i & 7);",
    tests: segments,
  },
  {
    id: "causal-mask-dropped",
    file: "src/engine/onnx/lowering/visibility.ts",
    line: "mask.fill(0, to + run.start, to + row + 1);",
    to: "mask.fill(0, to + run.start, to + run.end);",
    tests: segments,
  },
  {
    id: "other-texts-seen",
    file: "src/engine/onnx/lowering/visibility.ts",
    line: "const before = runs.slice(0, index).filter(({ segment }) => seen.has(segment));",
    to: "const before = runs.slice(0, index);",
    tests: segments,
  },
  ...["v2v", "t2v", "v2t"].map((name): Mutant => {
    const sum = "add(v2v, add(t2v, v2t))";
    const line = `return { loss: scale(${sum}, weight), metrics: { v2v, t2v, v2t } };`;
    return {
      id: `${name}-sign`,
      file: contrastive,
      line,
      to: line.replace(sum, sum.replace(name, `scale(${name}, -1)`)),
      tests: losses,
    };
  }),
  {
    id: "info-nce-sign",
    file: contrastive,
    line: "mean(sub(logSumExp(concat(candidates, 1)), positives_C));",
    to: "mean(sub(positives_C, logSumExp(concat(candidates, 1))));",
    tests: losses,
  },
  {
    id: "v2v-without-twins",
    file: contrastive,
    line: 'const v2v = infoNce([views, ...absent(h), ...queued(h, "queuedViews", "queuedViewMask")], ownView);',
    to: 'const v2v = infoNce([views, ...queued(h, "queuedViews", "queuedViewMask")], ownView);',
    tests: losses,
  },
  {
    id: "t2v-anchored-at-the-clip",
    file: contrastive,
    line: "const t2v = infoNce([column(ownText), ...absent(t)], ownText);",
    to: "const t2v = infoNce([column(ownText), ...absent(h)], ownText);",
    tests: losses,
  },
  {
    id: "text-mask-dropped",
    file: contrastive,
    line: 'const texts = add(similarities(h, t, temperature), feed("textMask"));',
    to: "const texts = similarities(h, t, temperature);",
    tests: losses,
  },
  {
    id: "twin-mask-dropped",
    file: contrastive,
    line: "? [add(similarities(x, a, temperature), twinMask)]",
    to: "? [similarities(x, a, temperature)]",
    tests: losses,
  },
  {
    id: "queue-mask-dropped",
    file: contrastive,
    line: "queue === 0 ? [] : [add(similarities(x, feed(states), temperature), feed(mask))];",
    to: "queue === 0 ? [] : [similarities(x, feed(states), temperature)];",
    tests: losses,
  },
  {
    id: "temperature-upside-down",
    file: contrastive,
    line: "matmul(unitRows(a), unitRows(b), { transposeB: true, alpha: 1 / temperature });",
    to: "matmul(unitRows(a), unitRows(b), { transposeB: true, alpha: temperature });",
    tests: controls,
    only: "t2v cannot fall",
  },
  {
    id: "cross-entropy-sign",
    file: "src/objectives/losses/cross-entropy.ts",
    line: 'const loss = negate(sum(mul(feed("weights"), tokenLogprobs)));',
    to: 'const loss = sum(mul(feed("weights"), tokenLogprobs));',
    tests: losses,
  },
  {
    id: "clips-without-twin-are-negatives",
    file: "src/training/sft-feeds.ts",
    line: "Float32Array.from(clips, ({ absentSteps }) => (absentSteps.size > 0 ? 0 : hiddenScore));",
    to: "Float32Array.from(clips, () => 0);",
    tests: controls,
    only: "blind of",
  },
  {
    id: "equal-texts-are-negatives",
    file: "src/training/sft-feeds.ts",
    line: "if (i !== j && name === other) mask[i * names.length + j] = hiddenScore;",
    to: "if (i !== j && name < other && false) mask[i * names.length + j] = hiddenScore;",
    tests: controls,
    only: "blind of",
  },
  {
    id: "the-clip-twice-is-a-negative",
    file: "src/training/sft-feeds.ts",
    line: "viewMask: equalMask(seeing.map(({ id }) => id)),",
    to: "viewMask: equalMask(seeing.map((_, i) => String(i))),",
    tests: controls,
    only: "twice in a step",
  },
  {
    id: "view-mask-dropped",
    file: contrastive,
    line: 'negatives === "batch" ? add(similarities(h, v, temperature), feed("viewMask")) : column(ownView);',
    to: 'negatives === "batch" ? similarities(h, v, temperature) : column(ownView);',
    tests: losses,
  },
  {
    id: "padding-weighs",
    file: "src/training/sft-feeds.ts",
    line: "weights.fill(share, at, at + scored);",
    to: "weights.fill(share, at);",
    tests: controls,
    only: "blind of",
  },
  {
    id: "instruction-share-upside-down",
    file: "src/training/sft-batches.ts",
    line: "const asked = instructed.next() < instructionShare ? [...prompt, ...instruction] : prompt;",
    to: "const asked = instructed.next() >= instructionShare ? [...prompt, ...instruction] : prompt;",
    tests: controls,
    only: "instruction follows",
  },
  {
    id: "contrast-gradient-leaks",
    file: "src/training/sft-step.ts",
    line: "await engine.clearGradient();",
    to: "",
    tests: controls,
    only: "own learning rate",
  },
  {
    id: "sentinel-upside-down",
    file: "src/training/contrast-monitor.ts",
    line: "t2vOfSame < sentinelFloor - sentinelSlack;",
    to: "t2vOfSame > sentinelFloor + sentinelSlack;",
    tests: controls,
    only: "solves it without looking",
  },
  {
    id: "monitor-shows-no-twin",
    file: "src/training/contrast-monitor.ts",
    line: "const twins = await contrastOf(trainee, clips, (i) => clips[i]!.absentSteps, options);",
    to: "const twins = await contrastOf(trainee, clips, (i) => paired[i]!.frozenSteps, options);",
    tests: controls,
    only: "real twins",
  },
  {
    id: "win-upside-down",
    file: "src/training/contrast-monitor.ts",
    line: "export const winOf = ({ margin }: ClipContrast): number => (margin > 0 ? 1 : margin < 0 ? 0 : 0.5);",
    to: "export const winOf = ({ margin }: ClipContrast): number => (margin > 0 ? 0 : margin < 0 ? 1 : 0.5);",
    tests: controls,
    only: "real twins",
  },
  {
    id: "queue-holds-the-clip-itself",
    file: "src/training/memory-queue.ts",
    line: "queuedViewMask: Float32Array.from(clips.flatMap((clip) => hide(({ id }) => id === clip.id))),",
    to: "queuedViewMask: Float32Array.from(clips.flatMap(() => hide(() => false))),",
    tests: ["test/unit/training/memory-queue.test.ts"],
  },
  {
    id: "queue-keeps-the-first",
    file: "src/training/memory-queue.ts",
    line: "this.#next = (at + 1) % this.#size;",
    to: "this.#next = Math.min(at + 1, this.#size - 1);",
    tests: ["test/unit/training/memory-queue.test.ts"],
  },
  {
    id: "valid-answers-divide",
    file: "src/training/valid-answers.ts",
    line: "sums[clip]![text]! += tokenLogprobs[m]!;",
    to: "sums[clip]![text]! -= tokenLogprobs[m]!;",
    tests: controls,
    only: "probabilities of options",
  },
  ...comparisonMutants,
  ...fragmentMutants,
  {
    id: "preference-sides-swapped",
    file: preference,
    line: "const margin = sub(chosen, rejected);",
    to: "const margin = sub(rejected, chosen);",
    tests: preferences,
  },
  {
    id: "preference-without-reference",
    file: preference,
    line: 'const rejected = scale(sub(sumOf(feed("rejected")), feed("referenceRejected")), beta);',
    to: 'const rejected = scale(sumOf(feed("rejected")), beta);',
    tests: preferences,
  },
  {
    id: "completion-position-shifted",
    file: "src/training/conversation-prompts.ts",
    line: "positions[part * total + length + i] = next + i;",
    to: "positions[part * total + length + i] = next + i + 1;",
    tests: ["test/unit/training/conversation-prompts.test.ts"],
  },
  {
    id: "conversation-drawn-forgotten",
    file: "src/batch/conversation-batches.ts",
    line: "...(drawn && { drawn }),",
    to: "",
    tests: ["test/unit/training/conversation-prompts.test.ts"],
  },
];
