// npm run bench [-- <name> [--rounds N] [--json] [--against CHECKOUT]]: lists the benchmarks, or runs one against its
// anchor, or against our own side as another checkout of this repository has it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { oracleEnvironment } from "../scripts/oracle-environment.ts";
import { nearestName } from "../src/core/nearest.ts";
import type { AnchorSide, BenchContext, BenchDefinition } from "./define-bench.ts";
import { measure, median, type SideMeasurement } from "./measure.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));
const support = [
  "run.ts",
  "define-bench.ts",
  "answer-rounds.ts",
  "measure.ts",
  "process-memory.ts",
  "process-time.ts",
];
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".ts") && !support.includes(file))
  .map((file) => file.slice(0, -".ts".length))
  .sort();

class UsageError extends Error {}

const load = async (name: string): Promise<BenchDefinition> => {
  if (!names.includes(name)) {
    const nearest = nearestName(name, names);
    const hint = nearest === undefined ? "" : `did you mean "${nearest}"? `;
    throw new UsageError(`unknown benchmark "${name}"; ${hint}known: ${names.join(", ") || "none"}`);
  }
  return ((await import(new URL(`${name}.ts`, import.meta.url).href)) as { default: BenchDefinition })
    .default;
};

const summary = ({ values, processorSeconds, peakMemoryBytes }: SideMeasurement): object => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
  processorSeconds: median(processorSeconds),
  peakMemoryBytes,
});

const largestDifference = (a: readonly number[], b: readonly number[]): number => {
  if (a.length !== b.length) throw new Error(`the sides computed ${a.length} and ${b.length} numbers`);
  const scale = Math.max(...b.map(Math.abs), Number.MIN_VALUE);
  return Math.max(0, ...a.map((value, at) => Math.abs(value - b[at]!))) / scale;
};

/** Our measurement beside an anchor's: its name, its values, the ratio, and that of the processor time of rounds side by side. */
const compared = (
  definition: BenchDefinition,
  own: SideMeasurement,
  side: AnchorSide,
  values: SideMeasurement,
) => {
  const [ours, middle] = [median(own.values), median(values.values)];
  const ratio = definition.better === "less" ? middle / ours : ours / middle;
  const computed = values.processorSeconds.map((seconds, round) => seconds / own.processorSeconds[round]!);
  const processorRatio = { median: median(computed), min: Math.min(...computed), max: Math.max(...computed) };
  return { report: { name: side.name, version: side.version, ...summary(values) }, ratio, processorRatio };
};

/** Our own side in another checkout, in the anchor's place: what a change does to the speed. Inputs are this checkout's. */
const earlier = (definition: BenchDefinition, checkout: string): BenchDefinition => {
  const other = resolve(checkout);
  if (!existsSync(join(other, "bench", "run.ts")) || !existsSync(join(other, "node_modules")))
    throw new UsageError(`--against: expected an installed checkout of this repository; got ${checkout}`);
  const revision = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: other, encoding: "utf8" });
  const { otherAnchors: _, limit: __, ...rest } = definition;
  return {
    ...rest,
    needsPython: false,
    anchor: (context) => ({
      ...definition.ours({ ...context, root: other }),
      name: "ours, another checkout",
      version: revision.trim(),
    }),
  };
};

const runBench = async (definition: BenchDefinition, rounds: number): Promise<object> => {
  const environment = definition.needsPython ? oracleEnvironment() : { python: "" };
  if (typeof environment === "string") throw new UsageError(environment);
  const cache = join(root, ".cache", "bench");
  mkdirSync(cache, { recursive: true });
  const context: BenchContext = { root, cache, python: environment.python, threads: availableParallelism() };
  await definition.prepare?.(context);
  const anchors = [definition.anchor(context), ...(definition.otherAnchors?.(context) ?? [])];
  const [own, ...others] = await measure([definition.ours(context), ...anchors], rounds, (done) =>
    process.stderr.write(done === 0 ? "warm\n" : `round ${done}/${rounds}\n`),
  );
  const ours = median(own!.values);
  const [main, ...rest] = anchors.map((side, i) => compared(definition, own!, side, others[i]!));
  const limit = await definition.limit?.(context);
  const share = limit && (definition.better === "less" ? limit.value / ours : ours / limit.value);
  const [given, expected] = [own!.result, others[0]!.result];
  const isCompared = definition.error !== undefined && given !== undefined && expected !== undefined;
  return {
    name: definition.name,
    unit: definition.unit,
    ours: summary(own!),
    anchor: main!.report,
    ratio: main!.ratio,
    processorRatio: main!.processorRatio,
    ...(rest.length === 0
      ? {}
      : { otherAnchors: rest.map(({ report, ...ratios }) => ({ ...report, ...ratios })) }),
    ...(limit === undefined ? {} : { limit: { ...limit, share } }),
    ...(isCompared ? { error: { what: definition.error, value: largestDifference(given, expected) } } : {}),
    rounds,
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      threads: context.threads,
      memoryBytes: totalmem(),
      platform: `${process.platform}-${process.arch}`,
      node: process.version,
    },
  };
};

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string" },
      json: { type: "boolean", default: false },
      against: { type: "string" },
    },
  });
  const [name, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`one benchmark at a time, got ${positionals.join(", ")}`);
  if (name === undefined) {
    const list = await Promise.all(names.map(load));
    if (values.json)
      console.log(JSON.stringify(list.map(({ name, unit, summary }) => ({ name, unit, summary }))));
    else
      for (const { name, unit, summary } of list)
        console.log(`${name.padEnd(28)} ${unit.padEnd(10)} ${summary}`);
    return;
  }
  const own = await load(name);
  const definition = values.against === undefined ? own : earlier(own, values.against);
  const rounds = values.rounds === undefined ? definition.rounds : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new UsageError(`--rounds: expected an integer >= 1; got ${values.rounds}`);
  const report = await runBench(definition, rounds);
  console.log(JSON.stringify(report, null, values.json ? 0 : 2));
};

try {
  await main();
} catch (error) {
  const usage =
    error instanceof UsageError ||
    (error instanceof TypeError &&
      String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS"));
  console.error(usage ? (error as Error).message : error);
  process.exitCode = usage ? 2 : 70;
}
