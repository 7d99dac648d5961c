import { afterEach, describe, expect, test, vi } from "vitest";
import { undocumented } from "../../../scripts/docs-gate.ts";
import { addCounts, conclude, coresOf, countsOf } from "../../../scripts/vitest-projects.ts";

afterEach(() => vi.restoreAllMocks());

describe("counting tests", () => {
  const file = (status: string, ...tests: string[]) => ({
    name: `${process.cwd()}/test/a.test.ts`,
    status,
    assertionResults: tests.map((one, at) => ({ fullName: `t${at}`, status: one })),
  });
  test("passed, failed and skipped ones", () => {
    const testResults = [file("failed", "passed", "failed", "skipped", "todo")];
    expect(countsOf({ numPassedTests: 1, numFailedTests: 1, testResults }, 1)).toEqual({
      passed: 1,
      failed: 1,
      skipped: ["test/a.test.ts: t2", "test/a.test.ts: t3"],
    });
  });
  test("a file that cannot be loaded is a failure", () => {
    const testResults = [file("failed"), file("passed", "passed")];
    expect(countsOf({ numPassedTests: 1, numFailedTests: 0, testResults }, 1)).toMatchObject({ failed: 1 });
  });
  test("so is a run that fails without a failing test", () => {
    const testResults = [file("passed", "passed")];
    expect(countsOf({ numPassedTests: 1, numFailedTests: 0, testResults }, 1)).toMatchObject({ failed: 1 });
    expect(countsOf({ numPassedTests: 1, numFailedTests: 0, testResults }, 0)).toMatchObject({ failed: 0 });
  });
  test.each([
    [{ passed: 2, failed: 0, skipped: [] }, 0],
    [{ passed: 2, failed: 1, skipped: [] }, 1],
    [{ passed: 0, failed: 0, skipped: ["a: b"] }, 1],
  ])("%j ends with its line and exit status", (counts, status) => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    expect(conclude(counts)).toBe(status);
    expect(log.mock.lastCall).toEqual([`${counts.passed} passed, ${counts.failed} failed`]);
    for (const name of counts.skipped) expect(log.mock.calls.flat().join("\n")).toContain(name);
  });
  test("a list of cores as Linux writes it", () => {
    expect(coresOf("0")).toEqual([0]);
    expect(coresOf("0-2,5,8-9")).toEqual([0, 1, 2, 5, 8, 9]);
  });
  test("sums", () => {
    const one = { passed: 1, failed: 2, skipped: ["a"] };
    expect(addCounts(one, one)).toEqual({ passed: 2, failed: 4, skipped: ["a", "a"] });
  });
});

describe("the docs gate", () => {
  test.each([
    ["export const a: number = 1;", ["x.ts:1: a"]],
    ["/** The number. */\nexport const a: number = 1;", []],
    ["/** @source somewhere else */\nexport const a: number = 1;", []],
    ["/** @source somewhere */\nexport const a: number = 1;", ["x.ts:2: a"]],
    ["/** word */\nexport type A = 1;", ["x.ts:2: A"]],
    ["const a = 1;\nexport { a };", ["x.ts:1: a"]],
    ["// A line comment is none.\nexport interface A { b: 1 }", ["x.ts:2: A"]],
    ["export interface A {\n/** Milliseconds of one round. */\nb: 1; c: 2 }", []],
    ["export interface A {\n/** B. */\nb: 1 }", ["x.ts:1: A"]],
    ["/** A thing. */\nexport class A { b(): void {} }", []],
    ["export class A { b(): void {} }", ["x.ts:1: A"]],
    ['const plugin = defineX({ summary: "s" });\nexport default plugin;', []],
    ['export { a } from "./b.ts";', []],
  ])("%j", (text, missing) => {
    expect(undocumented("x.ts", text)).toEqual(missing);
  });
});
