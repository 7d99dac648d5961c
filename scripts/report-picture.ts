/**
 * Makes the README's picture of a report: an answer of a finished quickstart that changes when the decisive frames go, as a
 * browser shows it.
 * `node scripts/report-picture.ts [RUN] [FILE.png] [WHICH]`, the report's first example where WHICH is left out
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import sharp from "sharp";
import { openChromium } from "../test/e2e/chromium.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const report = resolve(process.argv[2] ?? join(root, "runs", "quickstart"), "report.html");
const output = process.argv[3] ?? join(root, "docs", "images", "report.png");
const which = Number(process.argv[4] ?? 1);
if (!existsSync(report)) {
  process.stderr.write(`${report} is not there: run \`npm start\` first, or name a run's folder\n`);
  process.exit(2);
}

const browser = await openChromium();
try {
  const page = await browser.newPage({ viewport: { width: 1080, height: 900 }, colorScheme: "light" });
  await page.goto(pathToFileURL(report).href);
  const picture = await page
    .locator("article.example")
    .nth(which - 1)
    .screenshot();
  await sharp(picture).png({ palette: true, quality: 90 }).toFile(output);
  process.stdout.write(`${output}\n`);
} finally {
  await browser.close();
}
