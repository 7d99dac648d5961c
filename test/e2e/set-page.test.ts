import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Sample } from "../../src/dataset/sample.ts";
import type { DatasetDescription } from "../../src/dataset/schema.ts";
import { type PairData, SetPage } from "../../src/dataset/set-page.ts";
import { readDecisions } from "../../src/jobs/build/decisions.ts";
import { chromiumMissing, openChromium } from "./chromium.ts";

const pairs = 10_000;
const steps = 6;

/** A column of small pictures, each of its own grey. */
const sprite = async (): Promise<string> => {
  const [width, height] = [64, 48];
  const pixels = Buffer.concat(
    Array.from({ length: steps }, (_, at) => Buffer.alloc(width * height * 3, 40 * at)),
  );
  const raw = { width, height: height * steps, channels: 3 as const };
  return (await sharp(pixels, { raw }).jpeg().toBuffer()).toString("base64");
};

const pairAt = (at: number, s: string): PairData => ({
  id: `pair-${at}`,
  clip: `clips/${"5".repeat(60)}${at}.mp4`,
  src: at % 2 === 0 ? "one.csv" : "two.csv",
  cap: `Number ${at}: a ${at % 10 === 0 ? "red" : "blue"} </script> square flashes.`,
  ev: [[1, 1.5, "flashes"]],
  s: (at % 100) / 100,
  g: 1,
  d: 3,
  n: 75,
  r: "motion",
  b: "span",
  c: [
    [0, 0],
    [1, 3],
    [2, 1],
  ],
  k: [1],
  p: { s, n: steps, w: 64, h: 48, t: [0, 0.5, 1, 1.5, 2, 2.5], c: [0, 1, 2, 3, 4, 5], a: [0, 1, 1, 1, 4, 5] },
  qs: [
    { id: `pair-${at}/q`, q: "What happens?", a: "it flashes", k: "open" },
    ...(at % 50 === 0
      ? [
          {
            id: `pair-${at}/x`,
            q: "What?",
            a: "nothing",
            k: "open",
            x: ["answer-leak", "given away"] as const,
          },
        ]
      : []),
  ],
});

const description: DatasetDescription = {
  schema: "videoperceiver/dataset@1",
  counts: { samples: pairs, clips: pairs, rejected: 3 },
  skills: {},
  recipe: { name: "build", params: {} },
  files: [],
  contentHash: "c".repeat(64),
};

describe.skipIf(chromiumMissing("the page over a data set"))("the page over ten thousand pairs", () => {
  let folder: string;
  let file: string;
  let browser: Browser;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "set-page-"));
    file = join(folder, "index.html");
    const page = new SetPage(join(folder, "rows.html"));
    page.add({ id: "captions.csv:7", x: ["source", "no such clip"] });
    const picture = await sprite();
    for (let at = 0; at < pairs; at++) page.add(pairAt(at, picture));
    page.close();
    page.write(file, {
      title: "test set",
      description,
      pairs,
      decisionsSchema: "videoperceiver/decisions@1",
    });
    browser = await openChromium();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const openAt = async (
    width: number,
    colorScheme: "light" | "dark" = "light",
  ): Promise<{ page: Page; errors: string[] }> => {
    const page = await browser.newPage({
      viewport: { width, height: 800 },
      colorScheme,
      acceptDownloads: true,
    });
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("request", (request) => {
      if (!/^(file|data|blob):/.test(request.url())) errors.push(`loads ${request.url()}`);
    });
    await page.goto(`file://${file}`);
    await page.waitForSelector(".pair");
    return { page, errors };
  };
  const titles = (page: Page): Promise<string[]> => page.locator(".pair .what").allTextContents();

  test("holds only what is on the screen, and gets to the end", async () => {
    expect(statSync(file).size).toBeGreaterThan(1e6);
    const { page, errors } = await openAt(1280);
    expect(await page.textContent("#count")).toContain("10,001 of 10,001 shown");
    expect((await titles(page)).length).toBeLessThan(40);
    expect((await titles(page))[0]).toBe(
      "Number 0: a red </script> square flashes.".replace(/^/, "1 of 2: answer-leak"),
    );
    await page.keyboard.press("End");
    await page.waitForTimeout(100);
    // What became no pair stands last.
    expect((await titles(page)).at(-1)).toBe("sourcecaptions.csv:7");
    expect((await titles(page)).length).toBeLessThan(40);
    expect(errors).toEqual([]);
    await page.close();
  });

  test("search, filters and order choose pairs together", async () => {
    const { page } = await openAt(1280);
    const count = (): Promise<string | null> => page.textContent("#count");
    await page.fill("#search", "red number");
    await page.waitForTimeout(250);
    expect(await count()).toContain("1,000 of");
    await page.selectOption("#state", "rule answer-leak");
    expect(await count()).toContain("200 of");
    await page.fill("#search", "");
    await page.waitForTimeout(250);
    await page.selectOption("#state", "");
    await page.selectOption("#source", "two.csv");
    await page.fill("#low", "91");
    await page.dispatchEvent("#low", "change");
    expect(await count()).toContain("500 of");
    await page.selectOption("#sort", "share-down");
    expect((await titles(page))[0]).toContain("Number 99:");
    await page.close();
  });

  test("both sides go in step, and the twin shows another picture where it was changed", async () => {
    const { page } = await openAt(1280);
    await page.locator(".pair").nth(1).click();
    const at = (seconds: number): Promise<string[]> =>
      page.evaluate(`(() => {
        const slider = document.querySelector("#detail input[type=range]");
        slider.value = "${seconds}";
        slider.dispatchEvent(new Event("input"));
        // The nearest frame's time, where the curve's mark is as well.
        const now = Number(document.querySelector("#detail .now").getAttribute("x1")) / 100;
        if (Math.abs(slider.value / slider.max - now) > 1e-6) throw new Error(slider.value + " " + now);
        return [...document.querySelectorAll("#detail .shot")].map((shot) => shot.style.backgroundPosition);
      })()`);
    expect(await at(0)).toEqual(["0px 0%", "0px 0%"]);
    expect(await at(1.1)).toEqual(["0px 40%", "0px 20%"]);
    expect(await page.locator("#detail .side.gone").count()).toBe(1);
    expect(await at(2)).toEqual(["0px 80%", "0px 80%"]);
    await page.close();
  });

  test("decisions by keyboard are saved as the file that build reads, and outlive the page", async () => {
    const { page } = await openAt(1280);
    await page.keyboard.press("a");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("r");
    await page.keyboard.press("n");
    await page.keyboard.type("too dark");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
    const saved = join(folder, "decisions.json");
    await download.saveAs(saved);
    const decisions = readDecisions(saved);
    const sample = { id: "?", provenance: {} } as never as Sample;
    expect(decisions.about(sample, "pair-0", 0)).toEqual({ verdict: "accept" });
    expect(decisions.about(sample, "pair-1", 0)).toEqual({ verdict: "reject", note: "too dark" });
    expect(JSON.parse(readFileSync(saved, "utf8"))).toMatchObject({ dataset: description.contentHash });
    await page.reload();
    await page.waitForSelector(".pair");
    expect(await page.textContent("#count")).toContain("1 accepted · 1 rejected by you");
    await page.close();
  });

  test.each([
    [420, "light"],
    [1280, "dark"],
    [420, "dark"],
  ] as const)("%i pixels, %s: nothing sticks out, and text can be read", async (width, scheme) => {
    const { page, errors } = await openAt(width, scheme);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    const dark = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(dark).toBe(scheme === "dark" ? "rgb(16, 18, 22)" : "rgb(246, 246, 243)");
    await page.keyboard.press("Enter");
    const box = (await page.locator("#detail").boundingBox())!;
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(width);
    const beyond =
      "(() => { const { scrollWidth, clientWidth } = document.querySelector('#detail'); return scrollWidth - clientWidth; })()";
    expect(await page.evaluate(beyond)).toBeLessThanOrEqual(0);
    expect(errors).toEqual([]);
    await page.close();
  });
});
