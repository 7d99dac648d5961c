import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { pluginFile, runCommand } from "./run-command.ts";

const folder = mkdtempSync(join(tmpdir(), "scorer-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a person's own scorer scores, is among the known names, and its parameters are checked", () => {
  const annotations = new URL("../contract/benchmark-data/vru-accident-captions.jsonl", import.meta.url)
    .pathname;
  const predictions = join(folder, "p.json");
  writeFileSync(predictions, JSON.stringify({ "Made/VRU_1": "A red car.", "Made/VRU_2": "People." }));
  const run = (scorer: string) =>
    runCommand(
      ...["score", "vru-accident-captions", "--annotations", annotations, "--predictions", predictions],
      ...["--scorer", scorer, "--no-cache", "--json", "--plugin", pluginFile("vowels.ts")],
    );
  const { status, stdout } = run("vowels:most=9");
  expect(status).toBe(0);
  const { metrics } = JSON.parse(stdout) as { metrics: { name: string; value: { value: number } }[] };
  const vowels = metrics.find(({ name }) => name === "external:vowels")!.value.value;
  expect(vowels).toBeCloseTo((2 / 10 + 3 / 15) / 2, 12);
  expect(run("vowel").stderr).toContain('did you mean "vowels"?');
  expect(run("vowels:most=-1")).toMatchObject({ status: 2 });
}, 60_000);
