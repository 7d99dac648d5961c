import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FrameBatch } from "../../src/frames/frame-batch.ts";
import { openVideoService } from "../../src/video/service.ts";
import { chromiumMissing, openChromium } from "./chromium.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
const caption = "A red square flashes while a grey square drifts.";

/** A grey square drifts, a red one is there for a fifth of a second every five seconds; uneven times. */
const pictures = function* (count: number, width: number, height: number): Generator<FrameBatch> {
  for (let frame = 0; frame < count; frame++) {
    const pixels = new Uint8Array(width * height * 3);
    const drift = frame % 40;
    const flash = frame % 125 >= 24 && frame % 125 < 29;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const drifting = x >= 10 + drift && x < 24 + drift && y >= 6 && y < 20;
        const flashing = flash && x >= 60 && x < 84 && y >= 34 && y < 58;
        const colour = flashing ? [230, 30, 30] : drifting ? [120, 120, 120] : [40 + y, 60, 90];
        pixels.set(colour, (y * width + x) * 3);
      }
    const timeSeconds = frame / 25 + (frame % 3 === 1 ? 0.01 : 0);
    const frames = [{ index: frame, timeSeconds }] as unknown as FrameBatch["frames"];
    yield { pixels, width, height, frames };
  }
};

describe.skipIf(chromiumMissing("keyframes --html in a browser"))("keyframes --html", () => {
  let folder: string;
  let browser: Browser;
  const errors: string[] = [];
  /** Makes the page of a clip of `count` frames and opens it. */
  const opened = async (count: number, ...args: string[]): Promise<{ tab: Page; file: string }> => {
    const clip = join(folder, `clip-${count}.mp4`);
    const file = join(folder, `page-${count}.html`);
    await using video = openVideoService({ workers: 1 });
    await video.write(clip, { width: 96, height: 64, frames: pictures(count, 96, 64) });
    const run = spawnSync(
      process.execPath,
      [
        program,
        "keyframes",
        clip,
        "--caption",
        `${caption} <b>&`,
        "--relevance",
        "motion:0.2",
        "--builder",
        "previous-frame",
        "--html",
        file,
        ...args,
      ],
      { encoding: "utf8", env: { ...process.env, VIDEOPERCEIVER_CACHE: join(folder, "cache") } },
    );
    expect(run.stderr).not.toContain("Error");
    expect(run.status).toBe(0);
    const tab = await browser.newPage();
    tab.on("pageerror", (error) => errors.push(error.message));
    await tab.goto(`file://${file}`);
    await tab.waitForFunction("complete.readyState >= 2 && absent.readyState >= 2");
    return { tab, file };
  };
  const settled = (tab: Page): Promise<unknown> =>
    tab.waitForFunction("!complete.seeking && !absent.seeking", undefined, { timeout: 20_000 });
  const frameShown = async (tab: Page): Promise<number> =>
    Number(/frame (\d+) of/.exec((await tab.textContent("#time")) ?? "")?.[1]);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "pair-page-"));
    browser = await openChromium();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("plays both clips in step, seeks by curve, keys and buttons, from one file", async () => {
    const { tab, file } = await opened(50);
    expect(readFileSync(file, "utf8")).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(await tab.textContent("h1")).toBe(`${caption} <b>&`);
    expect(await tab.evaluate("[complete.videoWidth, absent.videoWidth]")).toEqual([96, 96]);
    expect(await tab.textContent(".chips")).toBe("flashdrift");

    await tab.click("#play");
    await tab.waitForFunction("complete.currentTime > 0.4", undefined, { timeout: 20_000 });
    expect(await tab.evaluate("Math.abs(complete.currentTime - absent.currentTime)")).toBeLessThan(0.15);
    await tab.keyboard.press("Space");

    await tab.keyboard.press("Home");
    for (const expected of [2, 3, 4]) {
      await tab.keyboard.press("ArrowRight");
      await settled(tab);
      expect(await frameShown(tab)).toBe(expected);
    }
    await tab.click("#frame-back");
    expect(await frameShown(tab)).toBe(3);
    await tab.keyboard.press("End");
    expect(await frameShown(tab)).toBe(50);

    await tab.keyboard.press("Home");
    await tab.keyboard.press("n");
    await settled(tab);
    const key = await frameShown(tab);
    expect(await tab.getAttribute("[data-key='0']", "aria-current")).toBe("true");
    expect(key).toBeGreaterThan(24);
    expect(key).toBeLessThan(31);
    expect(await tab.textContent("#shows")).toBe(`shows frame ${key - 3} instead`);
    await tab.keyboard.press("Home");
    await tab.click("[data-key='0']");
    expect(await frameShown(tab)).toBe(key);

    const box = (await tab.locator("#curve svg.wide").boundingBox())!;
    await tab.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await settled(tab);
    expect(await tab.evaluate("complete.currentTime / complete.duration")).toBeCloseTo(0.515, 1);
    expect(errors).toEqual([]);
  });

  it("holds a selection of a long clip at true times, says so, and stays small", async () => {
    const { tab, file } = await opened(2500);
    const text = (await tab.textContent("main")) ?? "";
    const held = Number(/players hold (\d+) of 2500/.exec(text)?.[1]);
    expect(held).toBeGreaterThan(1000);
    expect(held).toBeLessThan(1800);
    expect(statSync(file).size).toBeLessThan(10e6);
    expect(await tab.evaluate("complete.duration")).toBeCloseTo(100, 0);
    await tab.keyboard.press("n");
    await tab.keyboard.press("n");
    await settled(tab);
    const key = await frameShown(tab);
    expect((key - 1) % 125).toBeGreaterThanOrEqual(22);
    expect((key - 1) % 125).toBeLessThanOrEqual(29);
    expect(await tab.evaluate("Math.abs(complete.currentTime - absent.currentTime)")).toBeLessThan(0.01);
    expect(errors).toEqual([]);
  });

  it("fits 420 pixels in both colour schemes: nothing is cut, the whole curve shows, a tap on it seeks", async () => {
    const { file } = await opened(50, "--fps", "all");
    for (const colorScheme of ["light", "dark"] as const) {
      const tab = await browser.newPage({ viewport: { width: 420, height: 900 }, colorScheme });
      await tab.goto(`file://${file}`);
      await tab.waitForFunction("complete.readyState >= 2 && absent.readyState >= 2");
      expect(await tab.evaluate("document.documentElement.scrollWidth")).toBe(420);
      const cut = `[...document.querySelectorAll("main *")].filter((one) => {
        const box = one.getBoundingClientRect();
        return box.width > 0 && (box.left < 0 || box.right > 420);
      }).length`;
      expect(await tab.evaluate(cut)).toBe(0);
      const crowded = `(() => {
        const boxes = [...document.querySelectorAll("svg.narrow .axis")].map((one) => one.getBoundingClientRect());
        const hits = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
        return boxes.filter((a, i) => boxes.some((b, j) => j > i && hits(a, b))).length;
      })()`;
      expect(await tab.evaluate(crowded)).toBe(0);
      const size = `parseFloat(getComputedStyle(document.querySelector("svg.narrow .axis")).fontSize) *
        document.querySelector("svg.narrow").clientWidth / 396`;
      expect(await tab.evaluate(size)).toBeGreaterThan(10);
      await tab.locator("#curve svg.narrow").click();
      await settled(tab);
      expect(await tab.evaluate("complete.currentTime / complete.duration")).toBeCloseTo(0.45, 1);
      const [ground, ink] = (await tab.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]",
      )) as [string, string];
      const light = (colour: string): number => Number(/\d+/.exec(colour)![0]);
      expect(light(ground) > light(ink)).toBe(colorScheme === "light");
      await tab.close();
    }
    expect(errors).toEqual([]);
  });

  it("has a page for a clip without any key frame", async () => {
    const { tab } = await opened(60, "--floor", "1000000");
    expect(await tab.textContent(".keys")).toBe("There is no key frame.");
    expect(errors).toEqual([]);
  });
});
