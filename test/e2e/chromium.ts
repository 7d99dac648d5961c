import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const program = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/** Says loudly that tests were skipped because there is no browser; gives back whether there is none. */
export const chromiumMissing = (what: string): boolean => {
  if (program === undefined) console.log(`\nSKIPPED: ${what}: no Chromium on this machine\n`);
  return program === undefined;
};

/** A headless browser. */
export const openChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: program!, args: ["--no-sandbox"] });
