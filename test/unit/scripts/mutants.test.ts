import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { mutants } from "../../../scripts/mutants/mutants.ts";
import { mutated } from "../../../scripts/mutants/plugin.ts";

test("at least 25 mutants, each of a line that stands once in its file, each with tests that are there", () => {
  expect(mutants.length).toBeGreaterThanOrEqual(25);
  expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
  for (const mutant of mutants) {
    const source = readFileSync(mutant.file, "utf8");
    expect(mutated(source, mutant), mutant.id).not.toBe(source);
    expect(mutant.tests.length, mutant.id).toBeGreaterThan(0);
    for (const file of mutant.tests) expect(existsSync(file), file).toBe(true);
  }
});

test("a line that is not there, or twice, is an error that names it; the indentation stays", () => {
  const mutant = { id: "m", file: "f.ts", line: "a();", to: "b();", tests: [] };
  expect(mutated("if (x)\n  a();\n", mutant)).toBe("if (x)\n  b();\n");
  expect(() => mutated("aa();\n", mutant)).toThrow('mutant m: "a();" stands 0 times in f.ts, expected once');
  expect(() => mutated("a();\n  a();\n", mutant)).toThrow("stands 2 times");
});
