/**
 * Disturbs `train --engine torch --ranks 2` at random moments, a share of them while it starts, the others between its first
 * and its last step: kills a rank, the launcher, this side, stops a rank without
 * ending it, or fills the disk. After each, every process must be gone within 10 s and what was said be one line; the run
 * that goes on must end with the losses of the undisturbed one. What does not hold is written down, what is left behind is
 * ended, and the script goes on. A second call in the same folder goes on counting.
 * Run: node scripts/kill-ranks.ts --out DIR --python PATH [--kills 30] [--seconds 1500] [--steps 60] [--start 150] [--start-share 0.25]
 */
import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeFolder } from "../src/core/files.ts";
import { seededRandom } from "../src/core/random.ts";
import { readRun } from "../src/runs/read-run.ts";
import { runFiles } from "../src/runs/run-folder.ts";
import { makeTrainingSet, trainingModel } from "../test/training-set.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    python: { type: "string" },
    kills: { type: "string", default: "30" },
    seconds: { type: "string", default: "1500" },
    steps: { type: "string", default: "60" },
    start: { type: "string", default: "150" },
    "start-share": { type: "string", default: "0.25" },
  },
});
const { out, python } = values;
if (out === undefined || python === undefined)
  throw new Error("name a folder and an interpreter: --out, --python");
makeFolder(out);

const heartbeatSeconds = 8;
/** A rank that is stopped before it has dialled is known by nothing else. */
const startSeconds = Number(values.start);
/** Longest time from a kill until the command has ended: a rank that has dialled is given 60 s until it has the model. */
const limitSeconds = Math.max(startSeconds, 60) + 10;
/** Attempts that end before their moment are not counted; so many are made at most, for each kill. */
const attemptsPerKill = 4;
/** A file system of a fixed size for the runs; whoever may not mount one cannot fill a disk. */
const disk = join(out, "disk");
makeFolder(disk);
const isMounted = ((): boolean => {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256m", "tmpfs", disk], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
process.once("exit", () => {
  if (isMounted) execFileSync("umount", ["-l", disk]);
});
if (!isMounted) process.stdout.write("a full disk is left out: no file system can be mounted here\n");
const victims = [
  ...(["rank 0", "rank 1", "launcher", "controller", "stopped rank"] as const),
  ...(isMounted ? (["disk"] as const) : []),
];
type Victim = "rank 0" | "rank 1" | "launcher" | "controller" | "stopped rank" | "disk";

/** Fills the disk to the last byte. */
const fill = (file: string): void => {
  for (const bytes of [1 << 20, 1 << 12, 1])
    try {
      for (;;) appendFileSync(file, Buffer.alloc(bytes));
    } catch {
      // Full, for pieces of this size.
    }
};

const [model, set] = [join(out, "model"), join(out, "set")];
if (!existsSync(model)) trainingModel(out);
if (!existsSync(join(set, "dataset.json"))) await makeTrainingSet(out);

const program = fileURLToPath(new URL("../bin/videoperceiver.mjs", import.meta.url));
const command = (name: string): string[] => {
  const settings = [
    `steps=${values.steps}`,
    "checkpointEvery=3",
    "clipsPerStep=4",
    "look.minPixels=784",
    "look.maxPixels=4704",
  ];
  const engine = `torch:python=${python},heartbeatSeconds=${heartbeatSeconds},startSeconds=${startSeconds}`;
  const how = ["--engine", engine, "--ranks", "2", "--threads", "2", "--out", join(disk, name), "--resume"];
  return [
    program,
    "train",
    "sft",
    "--model",
    model,
    "--data",
    set,
    ...how,
    ...settings.flatMap((one) => ["--set", one]),
  ];
};

interface Known {
  readonly id: number;
  readonly parent: number;
  readonly words: string;
}
const processes = (): Known[] =>
  execFileSync("ps", ["-eo", "pid=,ppid=,stat=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .flatMap((found) =>
      found === null || found[3]!.startsWith("Z")
        ? []
        : [{ id: Number(found[1]), parent: Number(found[2]), words: found[4]! }],
    );

/** Launcher and ranks below a process, as far as they are there. */
const below = (controller: number): { readonly launcher: number | undefined; readonly ranks: number[] } => {
  const all = processes();
  const launcher = all.find(
    ({ parent, words }) => parent === controller && words.includes("videoperceiver_torch.launch"),
  )?.id;
  const ranks = all
    .filter(({ parent, words }) => parent === launcher && words.includes("videoperceiver_torch.worker"))
    .map(({ id }) => id);
  return { launcher, ranks };
};

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
}

const start = (
  name: string,
): { readonly id: number; readonly ended: Promise<Ended>; isOver: () => boolean } => {
  const child = spawn(process.execPath, command(name), { stdio: ["ignore", "ignore", "pipe"] });
  let [stderr, over] = ["", false];
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    stderr += piece;
  });
  const ended = new Promise<Ended>((done) =>
    child.once("exit", (status) => {
      over = true;
      done({ status, stderr });
    }),
  );
  return { id: child.pid!, ended, isOver: () => over };
};

/** Sends a signal. @returns whether somebody was there to get it */
const signal = (id: number | undefined, name: NodeJS.Signals): boolean => {
  try {
    return id !== undefined && process.kill(id, name);
  } catch {
    return false;
  }
};

/** What does not hold, in words. */
class Fault extends Error {}

/** When a run is disturbed. */
type Moment =
  /** So long after its start, sooner than its first step as a rule. */
  | { readonly phase: "start"; readonly milliseconds: number }
  /** So far between the first step that it takes and its last one, in [0, 1). */
  | { readonly phase: "training"; readonly part: number };

const stepsOf = (name: string): number =>
  existsSync(join(disk, name, runFiles.metrics)) ? readRun(join(disk, name)).metrics.length : 0;

/** Steps at the end of a run that are left alone: the disk has to be written to once more. */
const leftAlone = 4;

/** Waits for a moment of a run. @returns whether it came, and the steps that were done by then */
const waitFor = async (
  moment: Moment,
  run: ReturnType<typeof start>,
  isThere: () => boolean,
): Promise<{ readonly came: boolean; readonly step: number }> => {
  const begun = performance.now();
  const before = stepsOf("killed");
  const last = Number(values.steps) - leftAlone;
  const target = moment.phase === "start" ? 0 : before + 1 + Math.floor(moment.part * (last - before));
  if (moment.phase === "training" && target > last) await run.ended;
  const isDue = (): boolean =>
    moment.phase === "start" ? performance.now() - begun >= moment.milliseconds : stepsOf("killed") >= target;
  while (!run.isOver() && (!isDue() || !isThere())) await wait(100);
  // Somewhere within a step.
  if (moment.phase === "training") await wait(((moment.part * 1e4) % 1) * 200);
  return { came: !run.isOver(), step: stepsOf("killed") };
};

/** Starts a run, kills at a moment. @returns what happened, or undefined when it ended before @throws {Fault} */
const killOnce = async (
  victim: Victim,
  moment: Moment,
): Promise<Readonly<Record<string, unknown>> | undefined> => {
  const run = start("killed");
  const wanted = victim === "controller" ? 0 : victim === "launcher" ? 1 : 2;
  const isThere = (): boolean => {
    const { launcher, ranks } = below(run.id);
    return wanted === 0 || (launcher !== undefined && (wanted === 1 || ranks.length === 2));
  };
  const { came, step } = await waitFor(moment, run, isThere);
  if (!came) {
    const { status, stderr } = await run.ended;
    if (status !== 0) throw new Fault(`ended by itself with ${status}: ${stderr}`);
    return undefined;
  }
  const { launcher, ranks } = below(run.id);
  const ids = {
    "rank 0": ranks[0],
    "rank 1": ranks[1],
    launcher,
    controller: run.id,
    "stopped rank": ranks[1],
  };
  const filler = join(disk, "filler");
  if (victim === "disk") fill(filler);
  else if (!signal(ids[victim], victim === "stopped rank" ? "SIGSTOP" : "SIGKILL"))
    process.stdout.write(`${victim}: it had ended before\n`);
  const killed = performance.now();
  const group = new Set([launcher, ...ranks]);
  const left = (): Known[] => processes().filter(({ id }) => group.has(id));
  const fail = (what: string): never => {
    const words = `${what}; left: ${JSON.stringify(left())}`;
    for (const { id } of left()) signal(id, "SIGKILL");
    signal(run.id, "SIGKILL");
    throw new Fault(words);
  };
  const late = wait(limitSeconds * 1000, undefined, { ref: false }).then(() => undefined);
  const ended = await Promise.race([run.ended, late]);
  if (ended === undefined) return fail(`not over after ${limitSeconds} s`);
  const endSeconds = (performance.now() - killed) / 1000;
  rmSync(filler, { force: true });
  while (left().length > 0) {
    if ((performance.now() - killed) / 1000 > endSeconds + 10) return fail("left behind");
    await wait(100);
  }
  const goneSeconds = (performance.now() - killed) / 1000;
  if (ended.status === 0) return undefined;
  const expected = victim === "disk" ? /ENOSPC|no space/i : /the engine was lost/;
  const lines = ended.stderr.split("\n").filter((line) => expected.test(line));
  if (victim !== "controller" && (lines.length !== 1 || ended.status !== 2))
    return fail(`status ${ended.status}, said: ${ended.stderr}`);
  return { victim, ...moment, step, endSeconds, goneSeconds, said: lines[0] };
};

const lossesOf = (name: string): number[] =>
  readRun(join(disk, name)).metrics.map(({ loss }) => Number(loss));

/** Holds a run that was gone on with to its end against the undisturbed one, and takes it away. @throws {Fault} */
const compare = (): Readonly<Record<string, unknown>> => {
  const [got, expected] = [lossesOf("killed"), lossesOf("whole")];
  const worst = Math.max(
    ...expected.map((loss, i) => Math.abs(got[i]! - loss) / Math.max(loss, expected[0]! / 100)),
  );
  rmSync(join(disk, "killed"), { recursive: true });
  if (got.length !== expected.length || !(worst <= 1e-5)) throw new Fault(`another run: ${worst}`);
  return { whole: worst };
};

const begun = performance.now();
const whole = await start("whole").ended;
if (whole.status !== 0) throw new Error(whole.stderr);
const measured = join(out, "seconds.json");
const journal = join(out, "kills.jsonl");
const note = (line: Readonly<Record<string, unknown>>): void => {
  appendFileSync(journal, `${JSON.stringify(line)}\n`);
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
const noted = (): Readonly<Record<string, unknown>>[] =>
  existsSync(journal)
    ? readFileSync(journal, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line))
    : [];
const killsOf = (): number => noted().filter((line) => "victim" in line).length;
const orFault = async (victim: Victim | undefined, work: () => unknown): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    note({ ...(victim !== undefined && { victim }), fault: error.message });
  }
};
if (!existsSync(measured)) {
  // What the steps took is left out: the model is open, and the first of them about to begin.
  const times = readRun(join(disk, "whole")).metrics.map(({ timeSeconds }) => timeSeconds);
  const training = times.at(-1)! - times[0]!;
  appendFileSync(measured, String((performance.now() - begun) / 1000 - training));
}
/** Seconds from the start of a run to its first step. */
const firstStep = Number(readFileSync(measured, "utf8"));
const [kills, seconds] = [Number(values.kills), Number(values.seconds)];
// By the number of the attempt: a moment behind the end of a run is drawn once, not for ever.
let attempt = noted().length;
const mostAttempts = kills * attemptsPerKill;
for (; killsOf() < kills && attempt < mostAttempts; attempt++) {
  if ((performance.now() - begun) / 1000 > seconds) break;
  const victim = victims[killsOf() % victims.length]!;
  const part = seededRandom("kill ranks", attempt).next();
  // Spread evenly over the kinds of disturbance.
  const share = Number(values["start-share"]);
  const isStart = Math.floor((killsOf() + 1) * share) > Math.floor(killsOf() * share);
  const moment: Moment = isStart
    ? { phase: "start", milliseconds: part * firstStep * 1000 }
    : { phase: "training", part };
  await orFault(victim, async () => note((await killOnce(victim, moment)) ?? compare()));
}
// The last one too goes on to its end.
if (existsSync(join(disk, "killed")))
  await orFault(undefined, async () => {
    const last = await start("killed").ended;
    if (last.status !== 0) throw new Fault(last.stderr);
    note(compare());
  });
const faults = noted().filter((line) => "fault" in line).length;
const inTraining = noted().filter((line) => line["phase"] === "training").length;
process.stdout.write(
  `${killsOf()} kills, ${inTraining} of them between two steps, in ${noted().length} attempts, ${faults} faults\n`,
);
process.exitCode = faults === 0 && killsOf() >= kills ? 0 : 1;
