/** What the benchmarks of the engine have in common: files of a shape, our program, transformers' program. */
import { join } from "node:path";
import type { AnchorSide, BenchContext, BenchSide } from "../define-bench.ts";
import { prepareShape, shapeFolder } from "./shape-files.ts";
import type { ShapeName } from "./shapes.ts";

/** The library that the anchors use, as scripts/oracle-requirements.txt pins it. */
const version = "transformers 5.23.0, torch 2.12.1";

/** Makes weights and inputs. */
export const prepare =
  (shape: ShapeName) =>
  async (context: BenchContext): Promise<void> =>
    prepareShape(context.cache, shape);

/** Our side: `bench/sides/<program>.ts` with the folder, the shape, the threads and more arguments. */
export const ours =
  (program: string, shape: ShapeName, ...more: readonly (string | number)[]) =>
  (context: BenchContext): BenchSide => ({
    command: [
      process.execPath,
      join(context.root, "bench", "sides", `${program}.ts`),
      shapeFolder(context.cache, shape),
      shape,
      String(context.threads),
      ...more.map(String),
    ],
  });

/** transformers' side: a task of `scripts/anchors/qwen2_5_vl.py` under one of its implementations of attention. */
export const anchor = (
  task: string,
  shape: ShapeName,
  attention: "sdpa" | "eager",
  ...more: readonly (string | number)[]
): ((context: BenchContext) => AnchorSide) =>
  anchorProgram("qwen2_5_vl.py", shape, attention, [task], ...more);

/** transformers' side: a program of `scripts/anchors/`; `before` stands before the attention, `more` behind the threads. */
export const anchorProgram =
  (
    program: string,
    shape: ShapeName,
    attention: "sdpa" | "eager",
    before: readonly string[] = [],
    ...more: readonly (string | number)[]
  ) =>
  (context: BenchContext): AnchorSide => ({
    name: `transformers, ${attention} attention`,
    version,
    command: [
      context.python,
      "-P",
      join(context.root, "scripts", "anchors", program),
      shapeFolder(context.cache, shape),
      ...before,
      attention,
      String(context.threads),
      ...more.map(String),
    ],
    environment: { TRANSFORMERS_OFFLINE: "1", HF_HUB_OFFLINE: "1", CUDA_VISIBLE_DEVICES: "" },
  });
