/**
 * Puts in one wrong line at a time and sees that a test notices: node scripts/mutants/run.ts [ID ...]
 * Exit status 1 when a mutant survives, is never loaded, or its tests fail without it.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Mutant, mutants } from "./mutants.ts";
import { mutantVariables, mutated } from "./plugin.ts";

const root: string = fileURLToPath(new URL("../..", import.meta.url));
const folder: string = mkdtempSync(join(tmpdir(), "mutants-"));

interface Outcome {
  readonly failed: number;
  readonly passed: number;
  readonly loaded: boolean;
}

const runTests = async (tests: readonly string[], only?: string, id?: string): Promise<Outcome> => {
  const [report, log] = [join(folder, "report.json"), join(folder, "log")];
  for (const file of [report, log]) rmSync(file, { force: true });
  const own = id === undefined ? {} : { [mutantVariables.id]: id, [mutantVariables.log]: log };
  const args = [
    join(root, "node_modules", "vitest", "vitest.mjs"),
    "run",
    "--reporter=json",
    `--outputFile=${report}`,
    ...(id === undefined ? [] : ["--bail=1"]),
    ...(only === undefined ? [] : ["-t", only]),
    ...tests,
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: "ignore",
    env: { ...process.env, ...own },
  });
  await new Promise<void>((done, fail) => {
    child.on("error", fail);
    child.on("exit", () => done());
  });
  if (!existsSync(report)) return { failed: 0, passed: 0, loaded: existsSync(log) };
  const { numFailedTests, numPassedTests } = JSON.parse(readFileSync(report, "utf8")) as {
    numFailedTests: number;
    numPassedTests: number;
  };
  return { failed: numFailedTests, passed: numPassedTests, loaded: existsSync(log) };
};

const verdict = ({ failed, loaded }: Outcome): string => {
  if (!loaded) return "NOT LOADED";
  return failed > 0 ? "killed" : "SURVIVED";
};

/** Each choice of tests once without any mutant: a test that fails anyway kills nothing. */
const checkTests = async (chosen: readonly Mutant[]): Promise<boolean> => {
  const choices = new Map(chosen.map(({ tests, only }) => [JSON.stringify([tests, only]), { tests, only }]));
  let sound = true;
  for (const { tests, only } of choices.values()) {
    const { failed, passed } = await runTests(tests, only);
    if (failed === 0 && passed > 0) continue;
    sound = false;
    console.log(`without a mutant ${failed} tests fail and ${passed} pass: ${tests.join(" ")} ${only ?? ""}`);
  }
  return sound;
};

const main = async (): Promise<number> => {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((id) => !mutants.some((one) => one.id === id));
  if (unknown !== undefined) {
    console.error(`no mutant "${unknown}"; known: ${mutants.map(({ id }) => id).join(", ")}`);
    return 2;
  }
  const chosen = wanted.length === 0 ? mutants : mutants.filter(({ id }) => wanted.includes(id));
  for (const mutant of chosen) mutated(readFileSync(join(root, mutant.file), "utf8"), mutant);
  if (!(await checkTests(chosen))) return 1;
  let killed = 0;
  for (const { id, tests, only } of chosen) {
    const result = verdict(await runTests(tests, only, id));
    if (result === "killed") killed++;
    console.log(`${result.padEnd(10)} ${id}`);
  }
  console.log(`${killed} of ${chosen.length} mutants killed`);
  return killed === chosen.length ? 0 : 1;
};

try {
  process.exitCode = await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
