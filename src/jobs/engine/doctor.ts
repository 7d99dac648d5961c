/** What the Python side of the engine torch has, what it lacks, and whether it computes what the embedded engine does. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { EngineError, messageOf } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { chosenPython, pythonPath } from "../../engine/python-environment.ts";
import type { JobContext } from "../job-context.ts";
import { pinnedVersions, requirementsFile } from "./requirements.ts";
import { selfTest } from "./self-test.ts";

/** One thing that was looked at. */
export interface EngineFinding {
  readonly what: string;
  readonly expected: string;
  readonly got: string;
  readonly ok: boolean;
}

/** What the doctor says. */
export interface Diagnosis {
  readonly python: string;
  readonly findings: readonly EngineFinding[];
  readonly ok: boolean;
  readonly seconds: number;
}

interface Facts {
  readonly python: string;
  readonly packages: Readonly<Record<string, string | null>>;
  readonly devices: readonly string[];
}

const factsOf = async (python: string, signal: AbortSignal): Promise<Facts> => {
  const names = [...pinnedVersions(requirementsFile).keys()];
  const { stdout } = await promisify(execFile)(python, ["-P", "-m", "videoperceiver_torch.facts", ...names], {
    env: { ...process.env, PYTHONPATH: pythonPath, PYTHONDONTWRITEBYTECODE: "1" },
    signal,
  });
  return JSON.parse(stdout) as Facts;
};

/** Name of the first device that an interpreter's PyTorch computes on. @throws {EngineError} when it has no PyTorch */
export const deviceOf = async (python: string, signal: AbortSignal): Promise<string> => {
  const [device] = (await factsOf(python, signal)).devices;
  if (device !== undefined) return device;
  throw new EngineError("no PyTorch", {
    where: python,
    hint: "videoperceiver engine doctor torch says more",
  });
};

/** A version counts without its local part: `2.12.1+cu130` is 2.12.1. */
const isVersion = (got: string | null | undefined, wanted: string): boolean => got?.split("+")[0] === wanted;

/**
 * Looks at the interpreter and its packages, then has both engines compute the same small model.
 *
 * @param given interpreter; default: that of `engine install torch`
 * @throws {ConfigError} when there is none
 */
export const examineEngine = async (
  given: string | undefined,
  threads: number,
  context: JobContext,
): Promise<Diagnosis> => {
  const start = nowMilliseconds();
  const python = chosenPython(given);
  const findings: EngineFinding[] = [];
  const note = (what: string, expected: string, got: string, ok: boolean): void => {
    findings.push({ what, expected, got, ok });
  };
  try {
    const facts = await factsOf(python, context.signal);
    note("python", "3.11 or newer", facts.python, true);
    for (const [name, wanted] of pinnedVersions(requirementsFile)) {
      const got = facts.packages[name];
      note(name, wanted, got ?? "not there", isVersion(got, wanted));
    }
    const { devices } = facts;
    note("device", "at least one", devices.join(", ") || "none", devices.length > 0);
  } catch (error) {
    note("python", "3.11 or newer", messageOf(error).split("\n").at(-1)!, false);
  }
  const isThere = findings.every(({ got, ok }) => ok || got !== "not there");
  if (isThere) findings.push(...(await selfTest(`torch:python=${python}`, threads)));
  const ok = findings.every((finding) => finding.ok);
  return { python, findings, ok, seconds: (nowMilliseconds() - start) / 1000 };
};
