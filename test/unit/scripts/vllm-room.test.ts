import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { type MachineFacts, machineFacts, vllmDelay, vllmObstacle } from "../../../scripts/vllm-room.ts";

const enough: MachineFacts = {
  system: "linux x64",
  instructions: ["sse2", "avx2"],
  diskBytes: 20e9,
  memoryBytes: 8e9,
  load: 1,
  secondsLeft: undefined,
};

test("a machine that has all of it is no obstacle; disk matters until it is installed", () => {
  expect(vllmObstacle(enough, false)).toBeUndefined();
  expect(vllmDelay({ ...enough, load: 2.5, secondsLeft: 180 })).toBeUndefined();
  expect(vllmObstacle({ ...enough, diskBytes: 1e9 }, true)).toBeUndefined();
});

test.each<[Partial<MachineFacts>, string]>([
  [{ system: "darwin arm64" }, "no build of it for this system; expected linux x64; got darwin arm64"],
  [{ instructions: ["sse2"] }, "the processor lacks instructions; expected avx2; got a processor without"],
  [{ diskBytes: 7.44e9 }, "too little disk; expected 12.0 GB; got 7.4 GB"],
  [{ memoryBytes: 3.9e9 }, "too little memory; expected 6.0 GB; got 3.9 GB"],
])("what is lacking is said: %o", (less, line) => {
  expect(vllmObstacle({ ...enough, ...less }, false)).toBe(line);
});

test("too little time, or too many others, is said", () => {
  expect(vllmDelay({ ...enough, secondsLeft: 41.6 })).toBe(
    "too little time left of this run; expected 180 s; got 42 s",
  );
  expect(vllmDelay({ ...enough, load: 5.23 })).toBe(
    "the machine is busy; expected at most 2.5 programs a core; got 5.2",
  );
});

test("this machine's facts are numbers", () => {
  const { system, diskBytes, memoryBytes } = machineFacts(`${tmpdir()}/no/such/folder`);
  expect(system).toContain(process.arch);
  expect(diskBytes).toBeGreaterThan(0);
  if (process.platform === "linux") expect(memoryBytes).toBeGreaterThan(0);
});
