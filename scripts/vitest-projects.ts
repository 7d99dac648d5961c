import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root: string = fileURLToPath(new URL("..", import.meta.url));

/** What programs may keep from one run to the next; never committed. */
export const cache: string = join(root, ".cache");

/** How many tests did what, and which were left out. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  /** `file: test` of every test that was skipped. */
  readonly skipped: readonly string[];
}

/** Counts of several runs together. */
export const addCounts = (...all: readonly TestCounts[]): TestCounts => ({
  passed: all.reduce((sum, { passed }) => sum + passed, 0),
  failed: all.reduce((sum, { failed }) => sum + failed, 0),
  skipped: all.flatMap(({ skipped }) => skipped),
});

interface JsonReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Counts from vitest's JSON report; a file that could not even be loaded is one failed test. */
export const countsOf = (report: JsonReport, exitCode: number): TestCounts => {
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  ).length;
  const failed = report.numFailedTests + broken;
  const skipped = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== "passed" && status !== "failed")
      .map(({ fullName }) => `${relative(root, name)}: ${fullName}`),
  );
  // An unhandled error fails the run without failing a test.
  return { passed: report.numPassedTests, failed: failed === 0 && exitCode !== 0 ? 1 : failed, skipped };
};

/** One of several runs side by side: its part of the files, and the core that it keeps to. */
interface Lane {
  /** From 0. */
  readonly number: number;
  readonly count: number;
  readonly core: number;
}

/** Numbers of a list of cores such as `0-2,5`, as Linux writes it. */
export const coresOf = (list: string): number[] =>
  list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });

/** The cores that this process may use, where a program can be kept to one of them; else none. */
const ownCores = (): number[] => {
  const status = "/proc/self/status";
  if (!existsSync(status) || spawnSync("taskset", ["--version"]).status !== 0) return [];
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(status, "utf8"))?.[1];
  return list === undefined ? [] : coresOf(list);
};

/** Ends a process and all that were started below it, in whatever groups. */
const endTree = (root: number): void => {
  const rows = spawnSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" }).stdout.trim().split("\n");
  const all = rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]);
  const tree = [root];
  // The list grows while it is walked.
  for (const id of tree) tree.push(...all.flatMap(([child, parent]) => (parent === id ? [child] : [])));
  for (const id of tree)
    try {
      process.kill(id, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
};

/**
 * Runs vitest projects, its report going to standard output; a project without files counts nothing.
 *
 * @param seconds after which they are ended, with all that they have started; undefined: never
 * @returns undefined when they were
 */
export const runProjectsWithin = async (
  seconds: number | undefined,
  names: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  lane?: Lane,
): Promise<TestCounts | undefined> => {
  const folder = mkdtempSync(join(tmpdir(), "videoperceiver-tests-"));
  const file = join(folder, "report.json");
  try {
    const program = [
      process.execPath,
      join(root, "node_modules", "vitest", "vitest.mjs"),
      "run",
      "--passWithNoTests",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
      ...names.map((name) => `--project=${name}`),
      ...(lane === undefined ? [] : [`--shard=${lane.number + 1}/${lane.count}`]),
    ];
    const [command, ...args] =
      lane === undefined ? program : ["taskset", "-c", String(lane.core), ...program];
    const child = spawn(command!, args, {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      // Tests start programs of ours by the hundred: each of them is compiled once.
      env: { NODE_COMPILE_CACHE: join(cache, "compiled"), ...process.env, ...environment },
    });
    let isLate = false;
    const end = (): void => {
      isLate = true;
      endTree(child.pid!);
    };
    const timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000);
    const exitCode = await new Promise<number>((done, fail) => {
      child.on("error", fail);
      child.on("exit", (code) => done(code ?? 1));
    });
    clearTimeout(timer);
    if (isLate) return undefined;
    if (!existsSync(file)) return { passed: 0, failed: exitCode === 0 ? 0 : 1, skipped: [] };
    return countsOf(JSON.parse(readFileSync(file, "utf8")) as JsonReport, exitCode);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** As {@link runProjectsWithin}, however long it takes. */
export const runProjects = async (
  names: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  lane?: Lane,
): Promise<TestCounts> => (await runProjectsWithin(undefined, names, environment, lane))!;

/**
 * Runs projects whose files want the machine for themselves: on every core a part of the files, one after the other, kept
 * to that core, so that thread pools that spin do not fight each other. On one core, or where programs cannot be kept to
 * one, all of them one after the other.
 *
 * @param most runs side by side, each of which may hold a few GB: VIDEOPERCEIVER_TEST_LANES, else one. More than one was
 * not yet seen to the end on a quiet machine.
 */
export const runInLanes = async (
  names: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  most: number = Number(process.env["VIDEOPERCEIVER_TEST_LANES"] ?? 1),
): Promise<TestCounts> => {
  const cores = ownCores().slice(0, most);
  if (cores.length < 2) return runProjects(names, environment);
  const lanes = cores.map((core, number) =>
    runProjects(names, environment, { number, count: cores.length, core }),
  );
  return addCounts(...(await Promise.all(lanes)));
};

/** Says aloud what was skipped, then the one line that CI reads; gives the exit status. */
export const conclude = (counts: TestCounts): number => {
  if (counts.skipped.length > 0) {
    console.log(`\nSKIPPED: ${counts.skipped.length} tests did not run here:`);
    for (const name of counts.skipped) console.log(`  ${name}`);
  }
  const nothing = counts.passed + counts.failed === 0;
  if (nothing) console.log("\nno test ran");
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed > 0 || nothing ? 1 : 0;
};
