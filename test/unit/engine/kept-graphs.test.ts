import { expect, test } from "vitest";
import { KeptGraphs } from "../../../src/engine/kept-graphs.ts";

test("the graph used longest ago is released when there are too many", async () => {
  const released: string[] = [];
  const made: string[] = [];
  const graphs = new KeptGraphs<{ readonly name: string; release: () => Promise<void> }>(2);
  const get = (name: string): Promise<{ readonly name: string }> =>
    graphs.get(name, async () => {
      made.push(name);
      return {
        name,
        release: async () => {
          released.push(name);
        },
      };
    });
  const first = await get("a");
  await get("b");
  expect(await get("a")).toBe(first);
  await get("c");
  expect([made, released]).toEqual([["a", "b", "c"], ["b"]]);
  await graphs.release();
  expect(released.toSorted()).toEqual(["a", "b", "c"]);
  await get("a");
  expect(made).toEqual(["a", "b", "c", "a"]);
});
