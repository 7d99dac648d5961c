import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../bin/videoperceiver.mjs", import.meta.url));

/** How a command ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as people do, in a process of its own. */
export const runCommand = (...args: readonly string[]): Ended =>
  spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });

/** A plug-in file that lies beside the tests, outside `src/`. */
export const pluginFile = (name: string): string =>
  fileURLToPath(new URL(`./plugins/${name}`, import.meta.url));
