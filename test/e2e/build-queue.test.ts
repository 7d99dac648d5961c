import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCommand } from "../extension/run-command.ts";
import { writeClips } from "./build/clips.ts";
import { Postgres, postgresMissing } from "./build/postgres.ts";
import { resultsIn, setContents } from "./build/set-contents.ts";

const program = fileURLToPath(new URL("../../bin/videoperceiver.mjs", import.meta.url));
const clips = 14;

const children: ChildProcess[] = [];

/** A process of the program that goes on while the test does something else. */
const start = (
  args: readonly string[],
): { child: ChildProcess; ended: Promise<number | null>; said: () => string } => {
  let said = "";
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (piece: Buffer) => {
      said += piece.toString();
    });
  return { child, ended: new Promise((done) => child.once("close", done)), said: () => said };
};

describe.skipIf(postgresMissing("builds on several machines"))("a queue on PostgreSQL", () => {
  let folder: string;
  let database: Postgres;
  let wanted: Record<string, string>;
  const at = (name: string): string => join(folder, name);
  const args = (out: string, ...more: string[]): string[] => [
    "build",
    at("clips"),
    "--captions",
    at("captions.csv"),
    "--out",
    at(`${out}/set`),
    "--no-cache",
    ...more,
  ];
  const contents = (out: string): Record<string, string> => setContents(at(`${out}/set`));
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "queue-"));
    await writeClips(folder, clips);
    database = await Postgres.start();
    expect(runCommand(...args("embedded", "--workers", "1")).status).toBe(0);
    wanted = contents("embedded");
  });
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await database.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test("two workers, one killed, and the database restarted: the bytes of one embedded worker", async () => {
    const worker = ["worker", "--queue", database.url, "--workers", "1"];
    const [one, two] = [start(worker), start(worker)];
    const build = start(args("shared", "--queue", database.url, "--workers", "0"));
    while (resultsIn(at("shared/set")) < 3 && build.child.exitCode === null) await wait(50);
    one.child.kill("SIGKILL");
    await database.down();
    await wait(500);
    await database.up();
    expect([await build.ended, build.said()]).toEqual([0, expect.stringContaining(`${clips} pairs`)]);
    expect(contents("shared")).toEqual(wanted);
    // Asked to stop, a worker ends what it has begun; nothing is left.
    two.child.kill("SIGINT");
    expect(await two.ended).toBe(130);
    await one.ended;
  }, 240_000);

  test("the build's own workers do it alone, and a clip that ends them is given up", async () => {
    const poison = fileURLToPath(new URL("./build/poison.ts", import.meta.url));
    const { status, stdout } = runCommand(
      ...args("alone", "--queue", database.url, "--workers", "2", "--plugin", poison),
      ...["--relevance", "poison", "--attempts", "2", "--json"],
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ pairs: clips - 1, rejectedByRule: { quarantine: 1 } });
  });

  test("an address that does not answer is one line", () => {
    const { status, stderr } = runCommand("worker", "--queue", "postgres://a:secret@127.0.0.1:1/x");
    expect([status, stderr.trim().split("\n").length]).toEqual([2, 1]);
    expect(stderr).toMatch(/^the queue's database does not answer: postgres:\/\/a:\.\.\.@127/);
    expect(runCommand("worker", "--queue", "redis://x").stderr).toMatch(
      /^not the address of a queue; expected postgres:/,
    );
  });
});
