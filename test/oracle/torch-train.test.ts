/** `train` from the command line on real clips: the engine torch against the embedded one, killed, and gone on with. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newCheckpoint } from "../../src/jobs/new-checkpoint.ts";
import { readRun } from "../../src/runs/read-run.ts";
import type { MetricsRow } from "../../src/runs/run-folder.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { tokenFields } from "../random-checkpoint.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";
import { flatConfig } from "../unit/model/small-config.ts";
import { withoutClocks } from "../without-clocks.ts";
import { oracleMissing, oraclePython } from "./python.ts";

const isMissing =
  oracleMissing("training by the engine torch") ||
  sharedMissing("training by the engine torch on real clips");
const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
const torch = `torch:python=${oraclePython}`;
const clipCount = 6;

describe.skipIf(isMissing)("train --engine torch", () => {
  let work: string;
  let set: string;
  let model: string;

  const environment = (): NodeJS.ProcessEnv => ({
    ...process.env,
    VIDEOPERCEIVER_CACHE: join(work, "cache"),
  });
  const run = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
      encoding: "utf8",
      env: environment(),
    });
    expect(status, stderr).toBe(0);
    return stdout;
  };
  const request = (recipe: string, engine: string, out: string, more: readonly string[]): string[] => {
    const settings = [
      "schedule.learningRate=1e-3",
      "schedule.warmupSteps=0",
      "clipsPerStep=4",
      "look.frames=8",
      "look.minPixels=3136",
      "look.maxPixels=6272",
      ...more,
    ].flatMap((text) => ["--set", text]);
    const from = ["--model", model, "--data", set, "--threads", "1", "--engine", engine];
    return ["train", recipe, ...from, "--out", join(work, out), ...settings];
  };
  const contrast = ["losses.contrastive.block=1"];
  const rows = (out: string): readonly MetricsRow[] => readRun(join(work, out)).metrics;

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), "torch-train-"));
    const clips = join(work, "clips");
    mkdirSync(clips);
    interface KnownClip {
      readonly file: string;
      readonly caption: string;
    }
    const known = JSON.parse(readFileSync(sharedFile("data/clips/clips.json"), "utf8")) as KnownClip[];
    const chosen = known.filter(({ file }) => file.startsWith("asl_")).slice(0, clipCount);
    expect(chosen.length).toBe(clipCount);
    for (const { file } of chosen) cpSync(sharedFile(`data/clips/${file}`), join(clips, file));
    const lines = chosen.map(({ file, caption }) => `${file},"${caption.replaceAll('"', '""')}"`);
    writeFileSync(join(work, "captions.csv"), ["clip,caption", ...lines].join("\n"));
    set = join(work, "set");
    const how = ["--skip-rules", "near-duplicate", "--questions", "describe", "--workers", "1"];
    run("build", clips, "--captions", join(work, "captions.csv"), "--out", set, ...how);
    const tokenizer = sharedFile("data/tokenizers/qwen2.5-vl");
    model = join(work, "model");
    await newCheckpoint(model, flatConfig(tokenFields(loadTokenizer(tokenizer))), 1, tokenizer);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  /** Largest difference of a metric, of the larger of its value and 1 % of its first one. */
  const difference = (got: string, expected: string, metric: string): number => {
    const [own, other] = [rows(got), rows(expected)].map((all) => all.map((row) => Number(row[metric])));
    expect(own!.length).toBe(other!.length);
    const floor = Math.abs(other![0]!) / 100;
    return Math.max(...own!.map((x, i) => Math.abs(x - other![i]!) / Math.max(floor, Math.abs(other![i]!))));
  };

  test("the paper's first stage on real clips: the losses of the embedded engine", () => {
    const more = [...contrast, "steps=8"];
    for (const [engine, out] of [
      ["onnx", "onnx"],
      [torch, "torch"],
    ] as const)
      run(...request("videoperceiver-sft", engine, out, more));
    for (const metric of ["loss", "crossEntropy", "t2v", "gradientNorm"])
      expect(difference("torch", "onnx", metric), metric).toBeLessThan(1e-4);
    const losses = rows("torch").map(({ loss }) => Number(loss));
    expect(losses).toHaveLength(8);
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
  });

  test("two ranks, gone on with by one: the curve of the embedded engine", () => {
    const args = request("videoperceiver-sft", torch, "two", [...contrast, "steps=8", "checkpointEvery=4"]);
    run(...args, "--ranks", "2");
    const byTwo = rows("two").map(({ loss }) => loss);
    // As though it had been killed in step 5.
    rmSync(join(work, "two/checkpoints/8"), { recursive: true });
    run(...args, "--resume", "--ranks", "1");
    const byOne = rows("two").map(({ loss }) => loss);
    expect(byOne.slice(0, 4)).toEqual(byTwo.slice(0, 4));
    for (const metric of ["loss", "crossEntropy", "t2v", "gradientNorm"])
      expect(difference("two", "onnx", metric), metric).toBeLessThan(1e-3);
  });

  test("an adapter through PEFT: the losses of the embedded engine, and a folder that it goes on from", () => {
    const more = ["lora.rank=4", "lora.vision=true", "steps=4", "checkpointEvery=2"];
    run(...request("sft", "onnx", "lora onnx", more));
    run(...request("sft", torch, "lora torch", more));
    expect(difference("lora torch", "lora onnx", "loss")).toBeLessThan(1e-4);
    expect(existsSync(join(work, "lora torch/checkpoints/4/adapter_config.json"))).toBe(true);
    const clip = join(work, "clips/asl_book.mkv");
    const asked = [
      "ask",
      clip,
      "What happens?",
      "--model",
      join(work, "lora torch"),
      "--max-new-tokens",
      "4",
    ];
    const look = ["--frames", "8", "--min-pixels", "3136", "--max-pixels", "6272", "--threads", "1"];
    expect(run(...asked, ...look, "--engine", torch)).toBe(run(...asked, ...look));
  });

  /** Ids of the workers that a process has started. */
  const workersOf = ({ pid }: ChildProcess): number[] => {
    try {
      return execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(pid)], { encoding: "utf8" })
        .split("\n")
        .filter((line) => line.includes("videoperceiver_torch.worker"))
        .map((line) => Number(line.trim().split(/\s+/)[0]));
    } catch {
      return [];
    }
  };
  const isAlive = (id: number): boolean => {
    try {
      process.kill(id, 0);
      return !readFileSync(`/proc/${id}/stat`, "utf8").includes(") Z ");
    } catch {
      return false;
    }
  };

  /** Starts a run and kills its worker, or itself, once it has a checkpoint. @returns what it said, and its worker */
  const killed = async (
    out: string,
    whom: "worker" | "trainer",
    args: readonly string[],
  ): Promise<{ readonly stderr: string; readonly status: number | null; readonly worker: number }> => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
      env: environment(),
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (piece: string) => {
      stderr += piece;
    });
    const ended = new Promise<number | null>((done) => child.once("close", (code) => done(code)));
    while (!existsSync(join(work, out, "checkpoints/2")) && child.exitCode === null) await wait(20);
    const [worker] = workersOf(child);
    process.kill(whom === "worker" ? worker! : child.pid!, "SIGKILL");
    return { status: await ended, stderr, worker: worker! };
  };

  test("a killed worker is one line, a killed trainer leaves no process, and both runs go on undisturbed", async () => {
    const more = [...contrast, "steps=12", "checkpointEvery=2"];
    run(...request("videoperceiver-sft", torch, "whole", more));
    for (const whom of ["worker", "trainer"] as const) {
      const out = `killed ${whom}`;
      const args = request("videoperceiver-sft", torch, out, more);
      const { status, stderr, worker } = await killed(out, whom, args);
      if (whom === "worker") {
        expect(status).toBe(2);
        const said = stderr.split("\n").filter((line) => line.includes("the engine was lost"));
        expect(said).toHaveLength(1);
        expect(said[0]).toMatch(
          /rank 0 on \S+, \w+; got its process was ended by SIGKILL; resume from the last/,
        );
        expect(stderr).not.toMatch(/\n\s+at /);
      }
      for (let i = 0; i < 100 && isAlive(worker); i++) await wait(100);
      expect(isAlive(worker)).toBe(false);
      run(...args, "--resume");
      expect(rows(out).map(withoutClocks)).toEqual(rows("whole").map(withoutClocks));
    }
  });
});
