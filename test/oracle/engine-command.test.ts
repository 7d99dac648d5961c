import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { silentProgress } from "../../src/core/progress.ts";
import { examineEngine } from "../../src/jobs/engine/doctor.ts";
import { installEnvironment } from "../../src/jobs/engine/install.ts";
import { measureRates } from "../../src/jobs/engine/measure-rates.ts";
import { pinnedVersions, requirementsFile } from "../../src/jobs/engine/requirements.ts";
import type { JobContext } from "../../src/jobs/job-context.ts";
import { readRates } from "../../src/jobs/train/machine-rates.ts";
import { planRun } from "../../src/jobs/train/plan-request.ts";
import { oracleMissing, oraclePython } from "./python.ts";

const isMissing = oracleMissing("engine install, engine doctor and engine rates");

describe.skipIf(isMissing)("the command engine", () => {
  let work: string;
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), "engine-command-"));
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(work, { recursive: true, force: true });
  });
  const context = (): JobContext => ({
    progress: () => silentProgress,
    signal: new AbortController().signal,
    warn: () => {},
  });

  test("the doctor finds what was tested, and both engines compute the same", async () => {
    const { findings, ok } = await examineEngine(oraclePython, 1, context());
    expect(findings.filter((finding) => !finding.ok)).toEqual([]);
    expect(ok).toBe(true);
    const pinned = [...pinnedVersions(requirementsFile).keys()];
    expect(pinned).toContain("torch");
    expect(findings.map(({ what }) => what)).toEqual(expect.arrayContaining(["python", "device", ...pinned]));
    const compared = findings.filter(({ what }) => what.includes("against the engine onnx"));
    expect(compared).toHaveLength(4);
    // Two programs round differently: equal numbers would mean that nothing was compared.
    expect(compared.slice(0, 3).every(({ got }) => Number(got) > 0)).toBe(true);
  });

  test("rates are measured in a few steps, explain what those took, and are what plan reads", async () => {
    const out = join(work, "rates.json");
    const request = { python: oraclePython, threads: 1, out, only: ["thin blocks", "drawing"] };
    const rates = await measureRates(request, context());
    expect(readRates(out)).toEqual(rates);
    expect(rates.measured.map(({ name }) => name)).toEqual(request.only);
    for (const { name, seconds, expectedSeconds } of rates.measured) {
      expect(seconds, name).toBeGreaterThan(0.02);
      expect(Math.abs(Math.log(expectedSeconds / seconds)), name).toBeLessThan(0.4);
    }
    const [gpu, gpus] = ["", 1];
    const shown = { clips: 16, frames: 8, pixels: 50_176, questionTokens: 9, answerTokens: 9, replaced: 0.5 };
    const asked = { recipe: "sft", settings: {}, model: "3B", shown, gpu, gpus, utilisation: 1 };
    const plan = await planRun({ ...asked, memoryBytes: undefined, ratesFile: out });
    expect(plan).toMatchObject({ gpu: rates.machine, isMeasured: true, sheetShare: null });
    expect(plan.bytes.all).toBeGreaterThan(rates.processBytes);
  });

  test("an environment is made once, again when its requirements change, and never half", async () => {
    vi.stubEnv("PIP_NO_INDEX", "1");
    const folder = join(work, "environment");
    const requirements = join(work, "requirements.txt");
    // Every environment has it: nothing is fetched.
    writeFileSync(requirements, "pip\n");
    const request = { python: oraclePython, folder, requirements };
    const first = await installEnvironment(request, context());
    expect(first.isNew).toBe(true);
    expect(existsSync(first.python)).toBe(true);
    expect(await installEnvironment(request, context())).toMatchObject({
      isNew: false,
      python: first.python,
    });
    writeFileSync(requirements, "pip\nno-such-package-of-ours==1.0\n");
    await expect(installEnvironment(request, context())).rejects.toThrow(
      /could not be made; got ERROR: .*no-such-package-of-ours[^\n]*; mend it and run the command again$/,
    );
    await expect(installEnvironment(request, context())).rejects.toThrow(/no-such-package-of-ours/);
    writeFileSync(requirements, "pip\n");
    expect((await installEnvironment(request, context())).isNew).toBe(true);
    const { findings, ok } = await examineEngine(first.python, 1, context());
    expect(ok).toBe(false);
    expect(findings.find(({ what }) => what === "torch")).toMatchObject({ got: "not there", ok: false });
    expect(findings.some(({ what }) => what.includes("against"))).toBe(false);
    const none = { ...request, python: join(work, "no-python"), folder: join(work, "other") };
    await expect(installEnvironment(none, context())).rejects.toThrow(/no Python to make an environment/);
  });
});
