import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256 } from "../../src/core/files.ts";
import { runCommand } from "../extension/run-command.ts";
import { writeClips } from "./build/clips.ts";
import { Postgres, postgresMissing } from "./build/postgres.ts";

const program = fileURLToPath(new URL("../../bin/videoperceiver.mjs", import.meta.url));
const clips = 14;

/** A process of the program that goes on while the test does something else. */
const start = (
  args: readonly string[],
): { child: ChildProcess; ended: Promise<number | null>; said: () => string } => {
  let said = "";
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
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
  /** Files of a data set by content. */
  const contents = (out: string): Record<string, string> =>
    Object.fromEntries(
      ["", "clips"].flatMap((below) =>
        readdirSync(join(at(`${out}/set`), below), { withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map(({ name }) => [join(below, name), sha256(readFileSync(join(at(`${out}/set`), below, name)))]),
      ),
    );
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "queue-"));
    await writeClips(folder, clips);
    database = await Postgres.start();
    expect(runCommand(...args("embedded", "--workers", "1")).status).toBe(0);
    wanted = contents("embedded");
  });
  afterAll(async () => {
    await database.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test("two workers, one killed, and the database restarted: the bytes of one embedded worker", async () => {
    const worker = ["worker", "--queue", database.url, "--workers", "1"];
    const [one, two] = [start(worker), start(worker)];
    const build = start(args("shared", "--queue", database.url, "--workers", "0"));
    const made = (): number => {
      try {
        return readdirSync(at("shared/set/.build/results/00000")).length;
      } catch {
        return 0;
      }
    };
    while (made() < 3) await wait(50);
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
  });

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
