import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentProgress } from "../../src/core/progress.ts";
import { seededRandom } from "../../src/core/random.ts";
import { renderTraining } from "../../src/jobs/training-report/page.ts";
import { readRun } from "../../src/runs/read-run.ts";
import { createRun } from "../../src/runs/run.ts";
import { sftLosses } from "../../src/training/contrast.ts";
import { heldOutBatches } from "../../src/training/held-out-batches.ts";
import { trainSft } from "../../src/training/sft.ts";
import { sftParams } from "../../src/training/sft-options.ts";
import { tinyTrainee, toyClips } from "../unit/training/tiny.ts";
import { chromiumMissing, openChromium } from "./chromium.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
const out = process.env["VIDEOPERCEIVER_REPORT_PICTURES"];
let folder: string;
let page: string;
beforeAll(async () => {
  folder = join(mkdtempSync(join(tmpdir(), "training-report-")), "sft-toy");
  const trainee = tinyTrainee(tmpdir());
  const contrast = sftLosses({ block: 2, weight: 0.1, temperature: 0.05, dropout: 0.1 });
  const options = sftParams.parse({
    steps: 40,
    clipsPerStep: 8,
    checkpointEvery: 10,
    schedule: { learningRate: 1e-2, warmupSteps: 5 },
    watch: { validateEvery: 10 },
    monitor: { every: 10 },
    ...contrast,
  });
  using run = createRun(folder, { recipe: "sft", ...options, note: "<script>alert(1)</script>" });
  const heldOut = toyClips(8, 2).map((clip) => ({ clip, frozenSteps: clip.absentSteps }));
  const random = seededRandom("said");
  const validate = async (step: number) => {
    for (let i = 0; i < 3; i++)
      for (const shown of ["clip", "absent"] as const)
        run.answer({
          step,
          sampleId: `clip-${i}`,
          question: `What does the ball do <b>${i}</b> after it has hit the wall, and where does it come to rest?`,
          reference: "it rolls to the left and falls off the table",
          answer: random.next() < 0.5 ? "it rolls to the left & falls" : "",
          grade: random.integer(2),
          shown,
        });
    // Questions with a twin, none of which has a control.
    const open = { "rougeL/clip": 0.9, "rougeL/absent": 0.2 };
    return { accuracy: step / 40, "accuracy absent": 0.5, ...open };
  };
  const looks = { heldOut: async () => heldOutBatches(trainee, heldOut), validate };
  const context = { run, progress: silentProgress, signal: new AbortController().signal };
  await trainSft(trainee, toyClips(64), options, context, { heldOut, looks });
  await trainee.engine[Symbol.asyncDispose]();
  const made = spawnSync(process.execPath, [program, "report", folder], { encoding: "utf8" });
  expect(made.stderr).toBe("");
  expect(made.stdout).toBe(`report: ${join(folder, "report.html")}\n`);
  page = readFileSync(join(folder, "report.html"), "utf8");
});
afterAll(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

test("a run under a control says so before everything else, whoever wrote its configuration", () => {
  const run = readRun(folder);
  const rest = { answers: [], rollouts: [], environment: {}, failure: undefined };
  const pageOf = (config: unknown): string => renderTraining({ run: { ...run, config }, ...rest });
  for (const config of [
    { settings: { control: "twin-is-clip" } },
    { options: { control: "twin-is-clip" } },
  ]) {
    const made = pageOf(config);
    expect(made).toContain("This run is a control: twin-is-clip");
    expect(made.indexOf("This run is a control")).toBeLessThan(made.indexOf("The best checkpoint"));
  }
  for (const config of [{}, null, { settings: { control: "none" } }])
    expect(pageOf(config)).not.toContain("This run is a control");
});

test("says whether the model looks, shows every curve and answer, escapes what comes from outside", () => {
  expect(page).toContain("The answers depend on the pictures");
  expect(page).toMatch(/The best checkpoint is that of step \d+/);
  for (const title of [
    "Loss",
    "Do the pictures reach the model?",
    "accuracy",
    "Contrastive losses at the chosen block",
    "Gradient norm",
    "Learning rate",
    "Waiting for data",
  ])
    expect(page).toContain(`<figcaption>${title}`);
  expect(page.match(/class="said"/g)).toHaveLength(3);
  expect(page).toContain("step 40, absent twin");
  expect(page).not.toContain("<script>alert(1)");
  expect(page).not.toContain("<b>0</b> after");
  expect(page).toContain("onnxruntime-node");
  expect(page).toMatch(/40 steps in /);
});

test("answers that are worse with the twin say nothing without a control", () => {
  expect(page).toContain("no control says whether without others too");
  expect(page).not.toContain("Without the decisive frames the answers are worse<");
});

test("the same folder gives the same page; a run that is no evaluation has no answers for other programs", () => {
  const again = spawnSync(process.execPath, [program, "report", folder, "--write", "x"], {
    encoding: "utf8",
  });
  expect(again.status).toBe(2);
  expect(again.stderr).toMatch(/^answers of a training run/);
  spawnSync(process.execPath, [program, "report", folder]);
  expect(readFileSync(join(folder, "report.html"), "utf8")).toBe(page);
});

describe.skipIf(chromiumMissing("a training run's page in a browser"))("in a browser", () => {
  test.each([
    [1280, "light"],
    [1280, "dark"],
    [420, "light"],
    [420, "dark"],
  ] as const)("%d pixels wide, %s: nothing runs over, nothing is loaded, no error", async (width, scheme) => {
    const browser = await openChromium();
    try {
      const view = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
      const complaints: string[] = [];
      view.on("pageerror", (error) => complaints.push(error.message));
      view.on("console", (message) => complaints.push(message.text()));
      await view.goto(pathToFileURL(join(folder, "report.html")).href);
      expect(await view.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      expect(
        await view.evaluate(`[...document.querySelectorAll("main *")]
          .filter((one) => one.closest("svg, .scroll, details, .hidden, [hidden]") === null && one.getClientRects().length > 0)
          .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5).map((one) => one.className || one.tagName)`),
      ).toEqual([]);
      expect(complaints).toEqual([]);
      if (out !== undefined)
        writeFileSync(join(out, `${width}-${scheme}.png`), await view.screenshot({ fullPage: true }));
    } finally {
      await browser.close();
    }
  });
});
