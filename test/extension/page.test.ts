import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { expect, test } from "vitest";
import { createRun } from "../../src/runs/run.ts";
import { runPage } from "./plugins/run-page.ts";

const browserPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => existsSync(path),
);

test("a page over a run is one file: the run's reader, pieces of pages, nothing loaded", async () => {
  const folder = join(mkdtempSync(join(tmpdir(), "page-")), "run");
  try {
    {
      using run = createRun(folder, { stage: "mine" });
      for (let step = 1; step <= 40; step++) run.metrics(step, { loss: 3 / step, "grad/norm": step % 7 });
    }
    const file = runPage(folder);
    const text = readFileSync(file, "utf8");
    expect(text).toContain("default-src 'none'");
    expect(text.match(/data-chart=/g)).toHaveLength(2);
    if (browserPath === undefined) return;
    const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage({ viewport: { width: 420, height: 900 } });
      const faults: string[] = [];
      page.on("console", (message) => faults.push(message.text()));
      page.on("pageerror", (error) => faults.push(error.message));
      await page.goto(`file://${file}`);
      await page.locator("figure svg").first().hover();
      expect(await page.locator(".tip").first().textContent()).toMatch(/^step \d+ loss /);
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
