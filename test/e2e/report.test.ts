import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { expect, test } from "vitest";
import { renderReport } from "../../src/evaluation/report/render.ts";
import { reportFixture } from "../unit/evaluation/report-fixture.ts";

const browserPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => existsSync(path),
);
if (browserPath === undefined)
  process.stderr.write(
    "SKIPPED: the report in a browser (no Chromium under /usr/bin); install one to run this test\n",
  );

test.skipIf(browserPath === undefined)(
  "the report opens in a browser: nothing loaded, nothing wrong, values on hover, no sideways scrolling",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "report-"));
    const file = join(folder, "report.html");
    writeFileSync(file, renderReport(reportFixture(1, 40)));
    const browser = await chromium.launch({ executablePath: browserPath!, args: ["--no-sandbox"] });
    try {
      for (const [width, colorScheme] of [
        [1280, "light"],
        [390, "dark"],
      ] as const) {
        const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
        const requests: string[] = [];
        const faults: string[] = [];
        page.on("request", (request) => requests.push(request.url()));
        page.on("console", (message) => faults.push(message.text()));
        page.on("pageerror", (error) => faults.push(error.message));
        await page.goto(`file://${file}`);
        const sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        expect(await page.evaluate(sideways)).toBe(0);
        expect(await page.locator("svg.intervals:visible").count()).toBe(2);
        const chart = page.locator("figure[data-chart]").first();
        expect(await chart.locator(".tip").isVisible()).toBe(false);
        await chart.locator("svg").hover();
        expect(await chart.locator(".tip").textContent()).toMatch(/^step [\d,]+ training/);
        await chart.locator("svg").focus();
        await page.keyboard.press("ArrowLeft");
        expect(await chart.locator(".tip").isVisible()).toBe(true);
        expect(requests.filter((url) => !url.startsWith("data:"))).toEqual([`file://${file}`]);
        expect(faults).toEqual([]);
        await page.close();
      }
    } finally {
      await browser.close();
      rmSync(folder, { recursive: true });
    }
  },
);
