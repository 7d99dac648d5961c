/** Kills training at random moments, goes on, and compares what is left with a run that nobody disturbed. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sha256 } from "../../src/core/files.ts";
import { seededRandom } from "../../src/core/random.ts";
import { readAnswers, readRollouts, readRun } from "../../src/runs/read-run.ts";
import { withoutClocks } from "../without-clocks.ts";

/** A program that trains, and what it leaves. */
export interface KilledProgram {
  /** Words behind Node's name; the program goes on with what it finds in the folder. */
  readonly command: (folder: string) => readonly string[];
  /** Run folders that it leaves in the folder, in their order. */
  readonly runs: readonly string[];
}

/** A short SFT, an adapter's and GRPO: the loops themselves. */
export const trainingLoops: KilledProgram = {
  command: (folder) => [fileURLToPath(new URL("./kill-child.ts", import.meta.url)), folder],
  runs: ["sft", "lora", "grpo"],
};

/** `train`, with looks and answers at every second step. @param settings more of them */
export const trainCommand = (
  model: string,
  set: string,
  name: string,
  settings: readonly string[],
): KilledProgram => {
  const usual = [
    "look.minPixels=784",
    "look.maxPixels=4704",
    "schedule.learningRate=1e-2",
    "clipsPerStep=4",
    "positionsPerBatch=256",
    "steps=8",
    "checkpointEvery=2",
    "watch.validateEvery=2",
    "validation.split=held-out",
    "validation.maxNewTokens=4",
  ];
  const given = [...usual, ...settings].flatMap((setting) => ["--set", setting]);
  const program = fileURLToPath(new URL("../../bin/videoperceiver.mjs", import.meta.url));
  const words = [program, "train", "sft", "--model", model, "--data", set, "--threads", "1", ...given];
  return { command: (folder) => [...words, "--out", join(folder, name), "--resume"], runs: [name] };
};

/** Runs a program in a folder. @param killAfter milliseconds; left out: nobody kills it @returns whether it ended by itself */
const run = (
  { command }: KilledProgram,
  folder: string,
  killAfter?: number,
): Promise<{ ended: boolean; milliseconds: number }> => {
  const start = performance.now();
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, command(folder), { stdio: ["ignore", "ignore", "pipe"] });
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

/** Hashes of all that a program leaves behind, clocks left out. */
export const leftBehind = (folder: string, { runs }: KilledProgram): Record<string, string> =>
  Object.fromEntries(
    runs.flatMap((name) => {
      const { metrics, checkpoints } = readRun(join(folder, name));
      const last = checkpoints.complete.at(-1)!;
      const rows = metrics.map(withoutClocks);
      const adapter = "adapter_model.safetensors";
      const weights = existsSync(join(last.folder, adapter)) ? adapter : "model.safetensors";
      const files = [weights, "optimizer.safetensors"].map((file): [string, string] => [
        `${name}/${file}`,
        sha256(readFileSync(join(last.folder, file))),
      ]);
      return [
        ...files,
        [`${name}/metrics`, sha256(JSON.stringify(rows))],
        [`${name}/rollouts`, sha256(JSON.stringify(readRollouts(join(folder, name))))],
        [`${name}/answers`, sha256(JSON.stringify(readAnswers(join(folder, name))))],
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
 * Kills a program until there are enough kills or no time is left; every run goes on to its end and must leave what the undisturbed
 * one in `work/whole` left.
 *
 * @param seed of the moments; another one for every series
 * @throws an Error naming what differs
 */
export const killTraining = async (
  program: KilledProgram,
  work: string,
  seed: string,
  wanted: number,
  seconds: number = Number.POSITIVE_INFINITY,
): Promise<KillCount> => {
  const start = performance.now();
  const whole = join(work, "whole");
  // How long a run takes is measured once; the undisturbed one is gone on with if it was stopped itself.
  const measured = join(work, "milliseconds.json");
  const { milliseconds } = await run(program, whole);
  if (!existsSync(measured)) writeFileSync(measured, JSON.stringify(milliseconds));
  const longest = Number(readFileSync(measured, "utf8"));
  const expected = leftBehind(whole, program);
  const random = seededRandom("kill", seed);
  let [kills, compared] = [0, 0];
  while (kills < wanted && (performance.now() - start) / 1000 < seconds) {
    const own = join(work, `killed ${seed} ${compared}`);
    let ended = false;
    // The last run is let go on to its end.
    while (!ended) {
      const isEnough = kills >= wanted;
      ({ ended } = await run(program, own, isEnough ? undefined : random.next() * longest));
      if (!ended) kills++;
      await wait(1);
    }
    const got = leftBehind(own, program);
    for (const [what, hash] of Object.entries(expected))
      if (got[what] !== hash) throw new Error(`${what} differs after kills; see ${own}`);
    compared++;
    rmSync(own, { recursive: true });
  }
  return { kills, compared };
};
