/** The ranks of the engine torch as actors of a real Ray cluster, which is started here. Opt-in: Ray is 200 MB more. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../../src/engine/contract.ts";
import { openEngine } from "../../src/engine/engines.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { batchOf, sftSteps } from "../contract/engine-conformance.ts";
import { tinyConfig, tinyStore } from "../unit/training/tiny.ts";
import { expectLost } from "./lost-engine.ts";

const python = process.env["VIDEOPERCEIVER_ORACLE_RAY"];
if (python === undefined)
  console.log(
    "\nSKIPPED: ranks under Ray: VIDEOPERCEIVER_ORACLE_RAY names no Python that has torch and ray\n",
  );

describe.skipIf(python === undefined)("two ranks under Ray", () => {
  let work: string;
  let folder: string;
  let launcher: string;
  const ray = (...args: string[]): void => {
    const { status, stderr, stdout } = spawnSync(join(dirname(python!), "ray"), args, {
      encoding: "utf8",
      env: { ...process.env, RAY_USAGE_STATS_ENABLED: "0" },
    });
    expect(status, stdout + stderr).toBe(0);
  };
  const freePort = (): Promise<number> =>
    new Promise((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const { port } = server.address() as { port: number };
        server.close(() => resolve(port));
      });
    });

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), "ray-"));
    folder = join(work, "checkpoint");
    const config = tinyConfig();
    saveCheckpoint(folder, config, tinyStore(config).tensors(), { dtype: "float32" });
    const [port, client] = [await freePort(), await freePort()];
    launcher = `ray://127.0.0.1:${client}`;
    ray(
      ...["start", "--head", "--num-cpus=3", "--include-dashboard=false", "--disable-usage-stats"],
      ...["--node-ip-address=127.0.0.1", `--port=${port}`, `--ray-client-server-port=${client}`],
      ...["--min-worker-port=0", "--max-worker-port=0", `--temp-dir=${join(work, "ray")}`],
      "--object-store-memory=100000000",
    );
  });
  afterAll(() => {
    // Only this cluster's processes name its folder.
    for (const { id } of processes().filter(({ words }) => words.includes(work))) process.kill(id, "SIGKILL");
    rmSync(work, { recursive: true, force: true });
  });

  const processes = (): { readonly id: number; readonly words: string }[] =>
    execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" })
      .split("\n")
      .map((line) => /^\s*(\d+)\s+(.*)$/.exec(line))
      .flatMap((found) => (found === null ? [] : [{ id: Number(found[1]), words: found[2]! }]));
  /** Processes of ranks: Ray names them after what they do. */
  const ranksOf = (): number[] =>
    processes()
      .filter(({ words }) => words.startsWith("ray::Rank"))
      .map(({ id }) => id);
  const open = async (engine: string): Promise<Engine> =>
    (await openEngine({ engine, threads: 2 }, { folder, trained: "all" })).engine;
  const openRanks = (): Promise<Engine> =>
    open(`torch:python=${python},ranks=2,launcher=${launcher},heartbeatSeconds=8`);

  test("steps with contrast give the losses of the embedded engine", async () => {
    await using engine = await openRanks();
    expect(engine.capabilities.ranks).toBe(2);
    expect(ranksOf()).toHaveLength(2);
    await using same = await open("onnx:execution=whole");
    const [got, expected] = [await sftSteps(engine, 0, 5), await sftSteps(same, 0, 5)];
    got.forEach((loss, i) => {
      expect(Math.abs(loss - expected[i]!)).toBeLessThanOrEqual(1e-4 * expected[i]!);
    });
  });

  test.each([
    ["a rank is killed", /: rank \d on \S+, forward; got its (process ended: .*|connection ended);/],
    ["a rank is stopped", /: rank \d on \S+, forward; got no sign of life of process \d+ for 8 s;/],
    [
      "who asked Ray is killed",
      /: 2 ranks on \S+, forward; got their launcher: its process was ended by SIGKILL;/,
    ],
  ])("%s: one line, no rank left", async (what, line) => {
    const engine = await openRanks();
    const own = ranksOf();
    expect(own).toHaveLength(2);
    const launched = processes().filter(
      ({ words }) => words.includes("videoperceiver_torch.ray_launch") && words.includes(launcher),
    );
    expect(launched).toHaveLength(1);
    const batch = batchOf(0, 2);
    await engine.forward([batch]);
    const victim = what.startsWith("who") ? launched[0]!.id : own[1]!;
    process.kill(victim, what.includes("stopped") ? "SIGSTOP" : "SIGKILL");
    await expectLost(engine, batch, line);
    const left = (): number[] => ranksOf().filter((id) => own.includes(id));
    for (let i = 0; i < 100 && left().length > 0; i++) await wait(100);
    expect(left()).toEqual([]);
  });
});
