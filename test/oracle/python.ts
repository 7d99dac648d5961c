import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

/** Which transformers a program imports: that of the released weights, or the newest that is installed. */
export type TransformersVersion = "4.49" | "5.x";

/** The interpreter with torch, transformers 5.x and peft; empty where it is not there. */
export const oraclePython: string = process.env["VIDEOPERCEIVER_ORACLE_PYTHON"] ?? "";
const legacy = process.env["VIDEOPERCEIVER_ORACLE_LEGACY"];
const root = fileURLToPath(new URL("../..", import.meta.url));

/** True, and said aloud, where the Python environment is not there; `npm run test:oracle` makes it. */
export const oracleMissing = (what: string): boolean => {
  const missing = oraclePython === "" || legacy === undefined;
  if (missing) console.log(`\nSKIPPED: ${what}: run by npm run test:oracle\n`);
  return missing;
};

interface Ended {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

/** What a program needs: transformers imported beforehand, or nothing. */
type Setup = TransformersVersion | "plain";

/** A Python process that runs programs in forks of itself; it ends with this process. */
class WarmPython {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(setup: Setup) {
    const args = ["-P", join(root, "test/oracle/warm_python.py")];
    this.#child = spawn(oraclePython, setup === "plain" ? args : [...args, "--transformers"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: {
        ...process.env,
        ...(setup === "4.49" ? { PYTHONPATH: legacy } : {}),
        FORCE_QWENVL_VIDEO_READER: "torchvision",
        // Models of a few thousand numbers: threads that wait for each other take longer than one.
        OMP_NUM_THREADS: "1",
        TRANSFORMERS_OFFLINE: "1",
        HF_HUB_OFFLINE: "1",
      },
    });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.unref();
  }

  /** One program at a time. */
  run(job: {
    readonly script: string;
    readonly args: readonly string[];
    readonly input: string;
  }): Promise<Ended> {
    const work = this.#last.then(async () => {
      this.#child.stdin.write(`${JSON.stringify(job)}\n`);
      const { value, done } = await this.#answers.next();
      if (done === true) throw new Error("Python ended");
      return JSON.parse(value) as Ended;
    });
    this.#last = work.catch(() => {});
    return work;
  }
}

const warm = new Map<Setup, WarmPython>();

/**
 * Runs a Python program of this repository, without network.
 *
 * @param script path from the root of the repository
 * @returns what it printed
 * @throws an `Error` with what it said when it fails
 */
export const runPython = async (
  setup: Setup,
  script: string,
  args: readonly string[],
  input = "",
): Promise<string> => {
  const python = warm.get(setup) ?? new WarmPython(setup);
  warm.set(setup, python);
  const { status, output, errors } = await python.run({ script: join(root, script), args, input });
  if (status !== 0) throw new Error(`${script} ended with ${status}: ${errors}`);
  return output;
};
