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

/** Texts that no scrolling brings into view: beyond the page's edges and in no box that scrolls. */
const cutTexts = `[...document.querySelectorAll("main *")]
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "")
    && one.closest(".scroll, .hidden, details, [hidden], title") === null && one.getClientRects().length > 0)
  .filter((one) => { const { left, right } = one.getBoundingClientRect(); return left < -0.5 || right > innerWidth + 0.5; })
  .map((one) => one.textContent.trim().slice(0, 60))`;

/** Texts that are drawn smaller than 10 pixels. */
const tinyTexts = `[...document.querySelectorAll("main *")]
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "")
    && one.getClientRects().length > 0 && one.closest("title") === null)
  .filter((one) => {
    const svg = one.closest("svg");
    const scale = svg === null || svg.viewBox.baseVal === null ? 1 : svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return parseFloat(getComputedStyle(one).fontSize) * scale < 10;
  })
  .map((one) => one.textContent.trim().slice(0, 60))`;

/** Texts whose colour differs too little from what lies behind them: contrast below 4.5. */
const faintTexts = `(() => {
  const light = (rgb) => {
    const [r, g, b] = rgb.map((part) => { const v = part / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const numbers = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const behind = (one) => {
    for (let at = one; at !== null; at = at.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (a > 0 && r !== undefined) return [r, g, b];
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("main *")]
    .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "")
      && one.getClientRects().length > 0 && one.closest("title") === null)
    .filter((one) => {
      const style = getComputedStyle(one);
      const inSvg = one.closest("svg") !== null;
      const own = light(numbers(inSvg ? style.fill : style.color).slice(0, 3));
      const ground = light(behind(inSvg ? one.closest("svg").parentElement : one));
      return (Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05) < 4.5;
    })
    .map((one) => one.textContent.trim().slice(0, 60));
})()`;

/** Legends of strips that do not stay in view whole when their strip is moved to its end. */
const cutLegends = `[...document.querySelectorAll(".strips .legend")].filter((legend) => {
  const box = legend.closest(".scroll");
  const at = box.scrollLeft;
  box.scrollLeft = box.scrollWidth;
  const [inner, outer] = [legend.getBoundingClientRect(), box.getBoundingClientRect()];
  box.scrollLeft = at;
  return inner.left < outer.left - 0.5 || inner.right > outer.right + 0.5;
}).length`;

const hiddenReplacements = `[...document.querySelectorAll(".strip .gone")].filter((one) => {
  const { left, right } = one.getBoundingClientRect();
  return left < 0 || right > innerWidth;
}).length`;

interface ScrollState {
  readonly overflows: boolean;
  readonly tabIndex: number;
  readonly hint: boolean;
}
const scrollBoxes = `[...document.querySelectorAll(".scroll-box")].map((box) => {
  const inner = box.querySelector(".scroll");
  const hint = box.querySelector(".scroll-hint").getClientRects().length > 0;
  return { overflows: inner.scrollWidth > inner.clientWidth + 1, tabIndex: inner.tabIndex, hint };
})`;

test.skipIf(browserPath === undefined)(
  "the report opens in a browser: nothing loaded, nothing wrong, values on hover, no sideways scrolling, nothing cut or faint",
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
      for (const colorScheme of ["light", "dark"] as const)
        for (const width of [420, 1280]) {
          const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
          await page.goto(`file://${file}`);
          expect(await page.evaluate(cutTexts), `${width} ${colorScheme}`).toEqual([]);
          expect(await page.evaluate(tinyTexts), `${width} ${colorScheme}`).toEqual([]);
          expect(await page.evaluate(faintTexts), `${width} ${colorScheme}`).toEqual([]);
          const boxes = await page.evaluate<ScrollState[]>(scrollBoxes);
          expect(boxes.length).toBeGreaterThan(5);
          for (const { overflows, tabIndex, hint } of boxes)
            expect([tabIndex, hint]).toEqual(overflows ? [0, true] : [-1, false]);
          expect(boxes.some(({ overflows }) => overflows)).toBe(width === 420);
          // What is gone is in view at once, however narrow the page.
          expect(await page.evaluate(hiddenReplacements), `${width} ${colorScheme}`).toBe(0);
          expect(await page.evaluate(cutLegends), `${width} ${colorScheme}`).toBe(0);
          if (width === 420) {
            // By keyboard alone a person reaches the last column.
            const table = page.locator(".scroll:has(table.results)");
            await table.focus();
            for (let i = 0; i < 60; i++) await page.keyboard.press("ArrowRight");
            // The page's own policy allows no evaluation that waits inside of it.
            const isAtEnd =
              "document.querySelector('.scroll:has(table.results)').parentElement.classList.contains('at-end')";
            await expect.poll(() => page.evaluate(isAtEnd), { timeout: 10_000 }).toBe(true);
          }
          await page.close();
        }
    } finally {
      await browser.close();
      rmSync(folder, { recursive: true });
    }
  },
);
