import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeClips } from "./build/clips.ts";

const program = fileURLToPath(new URL("../../bin/videoperceiver.mjs", import.meta.url));
const slowStart = fileURLToPath(new URL("./build/slow-start.ts", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stop-"));
  await writeClips(folder, 3);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isAlive = (process_: number): boolean => {
  try {
    process.kill(process_, 0);
    return true;
  } catch {
    return false;
  }
};

test("Ctrl-C while workers start is a stop like any other, and leaves none of them behind", async () => {
  const mark = join(folder, "mark");
  const child = spawn(
    process.execPath,
    [program, "build", join(folder, "clips"), "--captions", join(folder, "captions.csv")].concat(
      ["--out", join(folder, "set"), "--workers", "2", "--plugin", slowStart, "--relevance", "slow-start"],
      ["--no-cache"],
    ),
    // A group of its own, as a terminal makes one for a command.
    { stdio: ["ignore", "ignore", "pipe"], detached: true, env: { ...process.env, SLOW_START_MARK: mark } },
  );
  let said = "";
  child.stderr.on("data", (piece: Buffer) => {
    said += piece.toString();
  });
  const ended = new Promise<number | null>((done) => child.once("close", done));
  while (!existsSync(mark) && child.exitCode === null) await wait(20);
  process.kill(-child.pid!, "SIGINT");
  expect([await ended, said]).toEqual([130, expect.not.stringMatching(/cannot start|\n {4}at |internal/i)]);
  const workers = readFileSync(mark, "utf8").trim().split("\n").map(Number);
  for (const worker of workers) expect(isAlive(worker)).toBe(false);
});
