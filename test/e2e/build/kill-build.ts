/** Kills builds at random moments, goes on with them, and compares what they leave with a build that nobody disturbed. */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { processTree } from "../../../bench/process-memory.ts";
import { type Random, seededRandom } from "../../../src/core/random.ts";
import { resultsIn, setContents } from "./set-contents.ts";

const program = fileURLToPath(new URL("../../../bin/videoperceiver.mjs", import.meta.url));

/** What is built, and how often that is killed. */
export interface BuildKills {
  /** Arguments of the program that build a set into a folder. */
  readonly args: (set: string) => readonly string[];
  /** Folder of the work; `whole` in it is the undisturbed build. */
  readonly work: string;
  /** Of the moments; another one for every series. */
  readonly seed: string;
  readonly kills: number;
  /** Time after which nothing new is begun. */
  readonly seconds?: number;
}

/** How far a series of kills has come. */
export interface BuildKillCount {
  readonly kills: number;
  /** Kills before the first result, while clips were made, and when all of them were. */
  readonly starting: number;
  readonly making: number;
  readonly together: number;
  /** Kills of every process at once, as a power cut does it; the others were of the program alone, with workers left over. */
  readonly ofAll: number;
  /** Builds that went on to their end, all of them compared. */
  readonly compared: number;
}

/** When a build is killed: so many milliseconds after so many clips have a result; none: after its start. */
interface Moment {
  readonly made: number;
  readonly milliseconds: number;
  readonly ofAll: boolean;
}

/** A moment of the start, of the time in which clips are made (a few clips further on), or after that. */
const drawMoment = (random: Random, made: number, clips: number): Moment => {
  const ofAll = random.next() < 0.5;
  const kind = random.next() * 6;
  if (kind < 1) return { made: 0, milliseconds: random.next() * 2000, ofAll };
  if (kind < 3) return { made: clips, milliseconds: random.next() * 3000, ofAll };
  const further = made + 1 + random.integer(Math.ceil(clips / 6));
  return { made: Math.min(further, clips - 1), milliseconds: random.next() * 400, ofAll };
};

const build = async (
  args: readonly string[],
  set: string,
  cache: string,
  moment?: Moment,
): Promise<"ended" | "killed"> => {
  const start = performance.now();
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, VIDEOPERCEIVER_CACHE: cache },
  });
  let complaint = "";
  child.stderr.on("data", (piece: Buffer) => {
    complaint += piece.toString();
  });
  let isOver = false;
  const ended = new Promise<number | null>((done) => {
    child.once("exit", (code) => {
      isOver = true;
      done(code);
    });
  });
  let since = moment?.made === 0 ? start : Number.NaN;
  while (!isOver) {
    if (moment !== undefined && Number.isNaN(since) && resultsIn(set) >= moment.made)
      since = performance.now();
    if (moment !== undefined && performance.now() - since >= moment.milliseconds) {
      for (const pid of moment.ofAll ? processTree(child.pid!) : [child.pid!])
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It ended by itself just now.
        }
      break;
    }
    await wait(10);
  }
  const code = await ended;
  if (code !== 0 && code !== null) throw new Error(complaint);
  return code === 0 ? "ended" : "killed";
};

const difference = (
  wanted: Readonly<Record<string, string>>,
  got: Readonly<Record<string, string>>,
): string[] =>
  [...new Set([...Object.keys(wanted), ...Object.keys(got)])].filter((file) => wanted[file] !== got[file]);

/**
 * Kills until there are enough kills or no time is left; every build goes on to its end, and each of its files, results of
 * the work included, must be that of the undisturbed one.
 *
 * @throws an Error naming the files that differ
 */
export const killBuild = async ({
  args,
  work,
  seed,
  kills,
  seconds,
}: BuildKills): Promise<BuildKillCount> => {
  const begun = performance.now();
  const whole = join(work, "whole");
  rmSync(whole, { recursive: true, force: true });
  await build(args(join(whole, "set")), join(whole, "set"), join(whole, "cache"));
  const wanted = setContents(join(whole, "set"), "results");
  const clips = resultsIn(join(whole, "set"));
  const random = seededRandom(seed, "kills");
  const count = { kills: 0, starting: 0, making: 0, together: 0, ofAll: 0, compared: 0 };
  const isEnough = (): boolean =>
    count.kills >= kills || performance.now() - begun > (seconds ?? Number.POSITIVE_INFINITY) * 1000;
  while (!isEnough()) {
    const own = join(work, `killed ${seed} ${count.compared}`);
    const set = join(own, "set");
    for (;;) {
      const killed = isEnough() ? undefined : drawMoment(random, resultsIn(set), clips);
      const how = await build(args(set), set, join(own, "cache"), killed);
      if (how === "ended") break;
      count.kills++;
      if (killed?.ofAll === true) count.ofAll++;
      const made = resultsIn(set);
      count[made === 0 ? "starting" : made < clips ? "making" : "together"]++;
    }
    const different = difference(wanted, setContents(set, "results"));
    if (different.length > 0) throw new Error(`${different.join(", ")} differ after kills; see ${own}`);
    count.compared++;
    rmSync(own, { recursive: true });
  }
  return count;
};
