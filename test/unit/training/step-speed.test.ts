import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EngineStatistics } from "../../../src/engine/contract.ts";
import { TimedRollouts } from "../../../src/engine/rollouts.ts";
import { StepSpeed } from "../../../src/training/step-speed.ts";

let now = 0;
beforeEach(() => {
  now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now * 1000);
  vi.spyOn(Date, "now").mockImplementation(() => now * 1000);
});
afterEach(() => void vi.restoreAllMocks());

/** An engine that has computed for so long. */
const engineOf = (spent: { computing: number; waiting: number }) => ({
  statistics: () =>
    ({
      ...{ calls: 0, bytesSent: 0, bytesReceived: 0, mediaBytesSent: 0 },
      waitingSeconds: spent.waiting,
      computingSeconds: spent.computing,
    }) satisfies EngineStatistics,
});

test("what a server draws is neither the controller's share nor waiting for data", async () => {
  const spent = { computing: 0, waiting: 0 };
  const engine = engineOf(spent);
  let waited = 0;
  // 6 s a draw, of which the engine saves its adapter for one.
  const drawing = new TimedRollouts(
    {
      sample: async () => {
        now += 6;
        spent.computing += 1;
        spent.waiting += 1;
        return [];
      },
    },
    engine,
  );
  const speed = new StepSpeed(engine, {
    waitedSeconds: () => waited,
    elsewhereSeconds: () => drawing.seconds,
  });
  speed.start();
  await drawing.sample({} as never);
  // 2 s of computing, 1 s of waiting for data, and 1 s of its own.
  now += 4;
  spent.computing += 2;
  spent.waiting += 2;
  waited += 1;
  const numbers = speed.end([], 0);
  const of = (name: string): number => Object.entries(numbers).find(([key]) => key.endsWith(name))![1];
  expect(of("elsewhereShare")).toBeCloseTo(0.5);
  expect(of("waitingShare")).toBeCloseTo(0.1);
  expect(of("controllerShare")).toBeCloseTo(0.1);
});

test("without a server nothing is said of one", () => {
  const speed = new StepSpeed(engineOf({ computing: 0, waiting: 0 }), {});
  speed.start();
  now += 1;
  expect(Object.keys(speed.end([], 0)).some((key) => key.endsWith("elsewhereShare"))).toBe(false);
});
