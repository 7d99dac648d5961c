import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addCounts, runProjects, type TestCounts } from "./vitest-projects.ts";

const root: string = fileURLToPath(new URL("..", import.meta.url));
const packages: string = join(root, "node_modules");

interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

/** The checks that read the sources; each is one program, and its output is shown when it fails. */
const steps: readonly Step[] = [
  { name: "types", args: [join(packages, "typescript", "bin", "tsc"), "--noEmit", "--pretty"] },
  { name: "format", args: [join(packages, "@biomejs", "biome", "bin", "biome"), "format", "."] },
  {
    name: "lint",
    args: [join(packages, "@biomejs", "biome", "bin", "biome"), "lint", "--error-on-warnings", "."],
  },
  { name: "docs", args: [join(root, "scripts", "docs-gate.ts")] },
];

interface StepResult {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
}

const run = async ({ name, args }: Step): Promise<StepResult> => {
  const start = performance.now();
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece: Buffer) => output.push(piece));
  const passed = await new Promise<boolean>((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done(code === 0));
  });
  const seconds = (performance.now() - start) / 1000;
  if (!passed) process.stdout.write(`\n--- ${name}\n${Buffer.concat(output).toString("utf8")}\n`);
  return { name, passed, seconds };
};

/**
 * Format, lint, types and docs side by side (they are short and single-threaded), then layers, unit, contract and extension tests
 * alone. Each source check counts as one test.
 */
export const runChecks = async (): Promise<TestCounts> => {
  const results: StepResult[] = await Promise.all(steps.map(run));
  const start = performance.now();
  const tests = await runProjects(["unit", "contract", "extension"]);
  results.push({
    name: "layers, unit, contract and extension tests",
    passed: tests.failed === 0,
    seconds: (performance.now() - start) / 1000,
  });
  console.log("\nchecks:");
  for (const { name, passed, seconds } of results)
    console.log(`  ${passed ? "passed" : "FAILED"}  ${seconds.toFixed(1).padStart(6)} s  ${name}`);
  const own = results.slice(0, -1);
  const passed = own.filter((step) => step.passed).length;
  return addCounts(tests, { passed, failed: own.length - passed, skipped: [] });
};
