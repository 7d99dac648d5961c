/** Kills a short SFT, an adapter's and GRPO at random moments, goes on, and compares what is left with a run that nobody disturbed. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sha256 } from "../../src/core/files.ts";
import { seededRandom } from "../../src/core/random.ts";
import { readRollouts, readRun } from "../../src/runs/read-run.ts";
import { withoutClocks } from "../without-clocks.ts";

const program = fileURLToPath(new URL("./kill-child.ts", import.meta.url));

/** Runs the child in a folder. @param killAfter milliseconds; left out: nobody kills it @returns whether it ended by itself */
const run = (folder: string, killAfter?: number): Promise<{ ended: boolean; milliseconds: number }> => {
  const start = performance.now();
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [program, folder], { stdio: ["ignore", "ignore", "pipe"] });
    let complaint = "";
    child.stderr.on("data", (piece: Buffer) => {
      complaint += piece.toString();
    });
    const timer =
      killAfter === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), Math.ceil(killAfter));
    child.on("error", fail);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const milliseconds = performance.now() - start;
      if (code === 0 || signal === "SIGKILL") done({ ended: code === 0, milliseconds });
      else fail(new Error(complaint));
    });
  });
};

/** Hashes of all that the stages leave behind, clocks left out. */
export const leftBehind = (folder: string): Record<string, string> =>
  Object.fromEntries(
    ["sft", "lora", "grpo"].flatMap((name) => {
      const { metrics, checkpoints } = readRun(join(folder, name));
      const last = checkpoints.complete.at(-1)!;
      const rows = metrics.map(withoutClocks);
      const weights = name === "lora" ? "adapter_model.safetensors" : "model.safetensors";
      const files = [weights, "optimizer.safetensors"].map((file): [string, string] => [
        `${name}/${file}`,
        sha256(readFileSync(join(last.folder, file))),
      ]);
      const rollouts = name === "grpo" ? readRollouts(join(folder, name)) : [];
      return [
        ...files,
        [`${name}/metrics`, sha256(JSON.stringify(rows))],
        [`${name}/rollouts`, sha256(JSON.stringify(rollouts))],
        [`${name}/state`, sha256(JSON.stringify([last.step, last.state, last.score ?? null]))],
        [`${name}/kept`, sha256(JSON.stringify(checkpoints.complete.map(({ step }) => step)))],
      ];
    }),
  );

/** How far a series of kills has come. */
export interface KillCount {
  /** Processes that were killed before their end. */
  readonly kills: number;
  /** Runs that went on to their end, all of them compared. */
  readonly compared: number;
}

/**
 * Kills until there are enough kills or no time is left; every run goes on to its end and must leave what the undisturbed
 * one in `work/whole` left.
 *
 * @param seed of the moments; another one for every series
 * @throws an Error naming what differs
 */
export const killTraining = async (
  work: string,
  seed: string,
  wanted: number,
  seconds: number = Number.POSITIVE_INFINITY,
): Promise<KillCount> => {
  const start = performance.now();
  const whole = join(work, "whole");
  const isThere = existsSync(join(whole, "grpo", "checkpoints", "7"));
  const first = isThere ? undefined : await run(whole);
  const expected = leftBehind(whole);
  const random = seededRandom("kill", seed);
  const longest = first?.milliseconds ?? (await run(whole)).milliseconds * 3;
  let [kills, compared] = [0, 0];
  while (kills < wanted && (performance.now() - start) / 1000 < seconds) {
    const own = join(work, `killed ${seed} ${compared}`);
    let ended = false;
    // The last run is let go on to its end.
    while (!ended) {
      const isEnough = kills >= wanted;
      ({ ended } = await run(own, isEnough ? undefined : random.next() * longest));
      if (!ended) kills++;
      await wait(1);
    }
    const got = leftBehind(own);
    for (const [what, hash] of Object.entries(expected))
      if (got[what] !== hash) throw new Error(`${what} differs after kills; see ${own}`);
    compared++;
    rmSync(own, { recursive: true });
  }
  return { kills, compared };
};
