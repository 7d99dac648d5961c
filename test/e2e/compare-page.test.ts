import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentProgress } from "../../src/core/progress.ts";
import { writeRecord } from "../../src/evaluation/records.ts";
import { compare } from "../../src/jobs/compare.ts";
import { recordOf } from "../contract/record-fixture.ts";
import { chromiumMissing, openChromium } from "./chromium.ts";

const skipped = chromiumMissing("the page of a comparison in a browser");
let folder: string;
let page: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "compare-page-"));
  page = join(folder, "page.html");
  const views = ["complete", "absent"] as const;
  const files = ["Qwen2.5-VL-3B with a very long name of its own", "small"].map((subject, which) => {
    const records = Array.from({ length: 40 }, (_, i) =>
      views.map((view) => {
        const correct = view === "complete" ? i < 30 - which * 12 : i % 3 === 0;
        return recordOf({
          questionId: `a/long/name/of/a/question/${i}`,
          videoId: `clip${"/a-long-folder-name-without-any-blank".repeat(3)}-${i >> 2}`,
          subject,
          prompt: `What happens in clip ${i}?\nA. it jumps over the fence\nB. it lies in the shade`,
          intervention: { name: view, params: {} },
          rawOutput: "B. ".repeat(20),
          correct,
          outcome: correct ? "right" : "wrong",
        });
      }),
    ).flat();
    const file = join(folder, `${which}.jsonl`);
    writeFileSync(file, `${records.map(writeRecord).join("\n")}\n`);
    return file;
  });
  const context = { progress: () => silentProgress, signal: new AbortController().signal, warn: () => {} };
  await compare(
    { runs: files, view: "complete", mode: "strict", seed: 0, page, items: 500, pictures: 0 },
    context,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Texts with digits that no scrolling brings into view. */
const cutNumbers = `[...document.querySelectorAll("main *")]
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && /\\d/.test(node.textContent)))
  .filter((one) => one.closest(".scroll, title, select, [hidden]") === null && one.getClientRects().length > 0)
  .filter((one) => { const { left, right } = one.getBoundingClientRect(); return left < -0.5 || right > innerWidth + 0.5; })
  .map((one) => one.textContent.trim().slice(0, 60))`;

test.skipIf(skipped)("at 420 px no number is cut off, and the filter leaves what it says", async () => {
  const browser = await openChromium();
  try {
    const tab = await browser.newPage({ viewport: { width: 420, height: 900 } });
    await tab.goto(`file://${page}`);
    expect(await tab.evaluate(cutNumbers)).toEqual([]);
    expect(await tab.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(420);
    const shown = (): Promise<number> => tab.locator("#items > article:visible").count();
    expect(await shown()).toBe(40);
    await tab.selectOption("#by-tag", "small: right on the clip, wrong on the twin");
    expect(await shown()).toBe(12);
    expect(await tab.textContent("#count")).toBe("12 of 40 questions");
    await tab.fill("#by-text", "question/17");
    expect(await shown()).toBe(1);
  } finally {
    await browser.close();
  }
});
