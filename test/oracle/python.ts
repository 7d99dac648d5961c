import { execFileSync } from "node:child_process";
import { join } from "node:path";
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

/**
 * Runs a Python program of this repository, without network.
 *
 * @param script path from the root of the repository
 * @returns what it printed
 */
export const runPython = (
  version: TransformersVersion,
  script: string,
  args: readonly string[],
  input = "",
): string =>
  execFileSync(oraclePython, ["-P", join(root, script), ...args], {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...process.env,
      ...(version === "4.49" ? { PYTHONPATH: legacy } : {}),
      FORCE_QWENVL_VIDEO_READER: "torchvision",
      TRANSFORMERS_OFFLINE: "1",
      HF_HUB_OFFLINE: "1",
    },
  });
