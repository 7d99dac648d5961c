import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { auditHeadline } from "../../src/evaluation/audit/page.ts";
import { audit } from "../../src/jobs/audit.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";

const page = readFileSync(new URL("../../docs/results/audits.html", import.meta.url), "utf8");

describe.skipIf(sharedMissing("audits of real benchmarks"))("audits", () => {
  test("VRU-Accident: the text prior gets about 92 % by clip and about 88 % by source, and says so first", async () => {
    const found = await audit({
      benchmark: "vru-accident",
      annotations: sharedFile("data/benchmarks/vru-accident"),
      seed: 0,
    });
    const of = (name: string): number =>
      100 * found.guessers.find((one) => one.name === name)!.accuracy.value;
    expect(of("text prior, by clip")).toBeGreaterThan(90);
    expect(of("text prior, by clip")).toBeLessThan(95);
    expect(of("text prior, by source")).toBeGreaterThan(84);
    expect(of("text prior, by source")).toBeLessThan(91);
    expect(auditHeadline(found)).toContain(`${of("text prior, by clip").toFixed(1)} %`);
    expect(page).toContain(`${of("text prior, by clip").toFixed(1)} (`);
  });
  test("every folder of the shared benchmarks has its row, and every published score was met", () => {
    for (const folder of readdirSync(sharedFile("data/benchmarks"))) expect(page, folder).toContain(folder);
    expect(page.match(/<dt>the same<\/dt><dd>yes<\/dd>/g)?.length).toBe(4);
    expect(page).not.toContain("<dd>no</dd>");
  });
});
