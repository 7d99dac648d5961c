import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type EngineLoss, EngineLostError, RunError } from "../../../src/core/errors.ts";
import { type GroupCall, RankGroup } from "../../../src/engine/torch/rank-group.ts";
import type { Connection } from "../../../src/engine/worker-connection.ts";

type Answering = (signal: AbortSignal | undefined) => Promise<unknown>;

/** A rank that answers as it is told to; lost, its call fails as that of a connection does. */
const rankOf = (answering: Answering): Connection => {
  let lose: (loss: EngineLoss) => void;
  const lost = new Promise<never>((_, reject) => {
    lose = (loss) => reject(new EngineLostError(loss));
  });
  lost.catch(() => {});
  return {
    worker: {
      host: "here",
      processes: { onEnd: () => {}, endOf: () => undefined, lastLine: () => undefined },
    },
    version: 0,
    statistics: () => ({ calls: 0, bytesSent: 0, bytesReceived: 0, computingSeconds: 0 }),
    judgedBy: () => {},
    lose: (loss: EngineLoss) => lose(loss),
    call: (_operation: string, _given: object, { signal }: { signal?: AbortSignal }) =>
      Promise.race([answering(signal), lost]),
  } as unknown as Connection;
};

const draw: GroupCall = {
  operation: "sample",
  given: [{}, {}],
  source: async () => new Map(),
  contents: [[], []],
  alone: true,
};
const full = new RunError("out of memory", { where: "rank 1" });
const fails: Answering = () => Promise.reject(full);
const waits: Answering = () => new Promise(() => {});
const stopsWhenTold: Answering = (signal) =>
  new Promise((_, reject) => {
    signal!.addEventListener("abort", () =>
      setTimeout(() => reject(new Error("the call was cancelled")), 50),
    );
  });

const callOf = (group: RankGroup, signal?: AbortSignal): Promise<unknown> =>
  group.call(draw, { ...(signal && { signal }) }, () => {}).catch((error: unknown) => error);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("ranks that draw stop when one of them fails, and its reason is the call's; the group goes on", async () => {
  const group = new RankGroup([rankOf(stopsWhenTold), rankOf(fails)]);
  const ended = callOf(group);
  await vi.advanceTimersByTimeAsync(100);
  expect(await ended).toBe(full);
  await vi.advanceTimersByTimeAsync(120_000);
  const again = callOf(group);
  await vi.advanceTimersByTimeAsync(100);
  expect(await again).toBe(full);
});

test("ranks that wait for one that failed before it drew are lost within a minute, with its reason", async () => {
  const ended = callOf(new RankGroup([rankOf(waits), rankOf(fails)]));
  await vi.advanceTimersByTimeAsync(60_000);
  const error = await ended;
  expect(error).toBeInstanceOf(EngineLostError);
  expect((error as Error).message).toMatch(/sample.*out of memory|out of memory.*sample/s);
});

test("a cancelled draw suspects nobody", async () => {
  const asked = new AbortController();
  const group = new RankGroup([rankOf(stopsWhenTold), rankOf(stopsWhenTold)]);
  const ended = callOf(group, asked.signal);
  await vi.advanceTimersByTimeAsync(10);
  asked.abort(new Error("by a person"));
  await vi.advanceTimersByTimeAsync(120_000);
  expect(((await ended) as Error).message).toBe("by a person");
  const again = callOf(new RankGroup([rankOf(async () => 1), rankOf(async () => 2)]));
  await vi.advanceTimersByTimeAsync(10);
  expect(await again).toEqual([1, 2]);
});
