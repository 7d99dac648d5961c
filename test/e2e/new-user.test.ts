import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseJsonRows } from "../../src/core/files.ts";
import { exportFormats } from "../../src/dataset/export.ts";
import { readDescription, readSamples } from "../../src/dataset/read.ts";
import { writeClips } from "./build/clips.ts";
import { chromiumMissing, openChromium } from "./chromium.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const program = join(root, "bin/videoperceiver.mjs");
const clips = 5;

/** The lines that a document tells people to type; continued and commented ones as they are. */
const typedIn = (document: string, beginning: string): string[] =>
  [
    ...readFileSync(join(root, document), "utf8").matchAll(/^ {4}npx videoperceiver (.+?)(?:\s+#.*)?$/gm),
  ].flatMap(([, line]) => (line!.startsWith(beginning) ? [line!] : []));

describe.skipIf(chromiumMissing("from clips to a trainer"))(
  "a folder of clips and a table of captions",
  () => {
    let folder: string;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "new-user-"));
      await writeClips(folder, clips);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    const type = (line: string) =>
      spawnSync(process.execPath, [program, ...line.split(" ")], {
        cwd: folder,
        encoding: "utf8",
        env: { ...process.env, VIDEOPERCEIVER_CACHE: join(folder, "cache") },
      });

    test("become a data set, are looked at, thinned and exported to every format, by the documents' own lines", async () => {
      const [build] = typedIn("README.md", "build ");
      const [same, decide] = typedIn("docs/build.md", "build clips/ --captions captions.csv --out set/");
      expect(build).toBe("build clips/ --captions captions.csv --out set/");
      expect(same).toBe(build);
      const built = type(build!);
      expect([built.status, built.stderr]).toEqual([0, expect.not.stringContaining("    at ")]);
      expect(built.stdout).toMatch(/^5 clips, 5 pairs, \d+ samples in .*set$/m);
      const idsOf = async (): Promise<string[]> => {
        const ids: string[] = [];
        for await (const { provenance } of readSamples(join(folder, "set")))
          ids.push(String(provenance["source"]));
        return [...new Set(ids)];
      };
      expect(await idsOf()).toHaveLength(clips);

      // The page: the second pair goes with a note, the first is wanted whatever a rule says.
      const browser = await openChromium();
      try {
        const page = await browser.newPage({ acceptDownloads: true });
        const errors: string[] = [];
        page.on("pageerror", (error) => errors.push(error.message));
        await page.goto(`file://${join(folder, "set/index.html")}`);
        await page.waitForSelector(".pair");
        await page.keyboard.press("a");
        await page.keyboard.press("ArrowRight");
        await page.keyboard.press("r");
        await page.keyboard.press("n");
        await page.keyboard.type("too small");
        await page.keyboard.press("Escape");
        await page.keyboard.press("Escape");
        const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("s")]);
        expect(download.suggestedFilename()).toBe("decisions.json");
        await download.saveAs(join(folder, "decisions.json"));
        expect(errors).toEqual([]);
      } finally {
        await browser.close();
      }

      const before = await idsOf();
      const thinned = type(decide!);
      expect([thinned.status, thinned.stderr]).toEqual([0, expect.not.stringContaining("are about nothing")]);
      const after = await idsOf();
      expect(after).toEqual(before.filter((id) => id !== before[1]));
      const rejected = parseJsonRows(
        readFileSync(join(folder, "set/rejected.jsonl"), "utf8"),
        "rejected.jsonl",
      );
      expect(JSON.stringify(rejected.map(({ value }) => value))).toContain("too small");

      const [line] = typedIn("docs/exports.md", "export ");
      const { samples } = readDescription(join(folder, "set")).counts;
      for (const format of exportFormats.names()) {
        const out = `for-${format}`;
        const ended = type(line!.replace("DATASET", "set/").replace("ms-swift", format).replace(/DIR$/, out));
        expect([format, ended.status, ended.stderr]).toEqual([
          format,
          0,
          expect.not.stringContaining("    at "),
        ]);
        const said = JSON.parse(readFileSync(join(folder, out, "export.json"), "utf8")) as {
          readonly counts: { readonly samples: number; readonly written: number; readonly leftOut: number };
        };
        expect(existsSync(join(folder, out, "README.md"))).toBe(true);
        expect(said.counts.samples).toBe(samples);
        expect(said.counts.written).toBe(samples);
      }
    }, 300_000);
  },
);
