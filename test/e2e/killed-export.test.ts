import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { exportDataset } from "../../src/jobs/export-dataset.ts";
import type { JobContext } from "../../src/jobs/job-context.ts";
import { clipsCanBeWritten, madeDataset, twinOfEvents } from "../dataset-fixture.ts";
import { hashedFiles } from "../hashed-files.ts";

const command = fileURLToPath(new URL("../../bin/videoperceiver.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "killed-export-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const context: JobContext = {
  progress: () => ({ update: () => {}, log: () => {} }),
  signal: new AbortController().signal,
  warn: () => {},
};

test.skipIf(!clipsCanBeWritten)(
  "a killed export leaves no folder, and the next one gives the bytes of an undisturbed one",
  async () => {
    const dataset = await madeDataset(folder, 4, (sample, at) =>
      at % 2 === 0 ? { ...sample, absent: twinOfEvents(sample) } : [],
    );
    const format = "ms-swift:paths=relative";
    const out = join(folder, "killed");
    let killed = 0;
    for (const delay of [200, 500, 800, 1100]) {
      const args = [command, "export", dataset, "--format", format, "--out", out];
      const child = spawn(process.execPath, args, { stdio: "ignore" });
      const ended = new Promise<number | null>((done) => child.on("close", done));
      await new Promise((done) => setTimeout(done, delay));
      child.kill("SIGKILL");
      if ((await ended) !== null) break;
      killed++;
      expect(existsSync(out)).toBe(false);
    }
    expect(killed).toBeGreaterThan(0);
    const run = (name: string): Promise<unknown> =>
      exportDataset({ dataset, format, out: join(folder, name), force: false }, context);
    if (!existsSync(out)) await run("killed");
    await run("undisturbed");
    const [again, plain] = ["killed", "undisturbed"].map((name) =>
      hashedFiles(join(folder, name)).filter((line) => !line.startsWith("README")),
    );
    expect(again).toEqual(plain);
    expect(plain!.some((line) => line.startsWith("videos"))).toBe(true);
  },
);
