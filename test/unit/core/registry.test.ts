import { expect, test } from "vitest";
import { z } from "zod";
import {
  type Define,
  definer,
  folderRegistry,
  type Plugin,
  pluginRegistries,
  type Registry,
} from "../../../src/core/registry.ts";
import { defineReward, type Reward, rewardRegistry } from "../../../src/objectives/rewards.ts";

interface Greeter extends Plugin<string> {
  readonly polite: boolean;
}
const defineGreeter: Define<Greeter> = definer("greeter");
// A folder of TypeScript files that are no greeters; names come from files, kinds are checked when one is loaded.
const greeters: Registry<Greeter> = folderRegistry("greeter", new URL("./", import.meta.url));
const hello = defineGreeter({
  summary: "says hello",
  source: "ours",
  polite: true,
  argument: "name",
  params: z.object({ name: z.string().default("you"), times: z.number().default(1) }),
  create: ({ name, times }) => Array.from({ length: times }, () => `hello ${name}`).join(", "),
});
greeters.add("hello", hello);

test("a plug-in from outside is found, made and recorded like one of ours", async () => {
  expect(greeters.names()).toContain("hello");
  expect(await greeters.make("hello", { times: 2 })).toEqual({
    value: "hello you, hello you",
    recipe: { name: "hello", params: { name: "you", times: 2 } },
  });
  expect((await greeters.choose("hello:7")).value).toBe("hello 7");
  expect((await greeters.choose("hello:name=a,b,times=2")).recipe.params).toEqual({ name: "a,b", times: 2 });
  expect((await greeters.choose("hello")).plugin.polite).toBe(true);
});

test("an unknown name or parameter is told with the nearest, also where the schema would drop it", async () => {
  await expect(greeters.make("helo")).rejects.toThrow('unknown greeter "helo"; did you mean "hello"?');
  await expect(greeters.make("hello", { tims: 2 })).rejects.toThrow(
    'bad parameters for greeter "hello"; got "tims"; did you mean "times"? known: name, times',
  );
  await expect(greeters.choose("hello:times=many")).rejects.toThrow(
    'bad parameters for greeter "hello"; got times:',
  );
});

test("nothing is replaced, and nothing of another kind is taken", () => {
  expect(() => greeters.add("hello", hello)).toThrow('there is a greeter "hello" already');
  expect(() => rewardRegistry.add("format", { ...reward })).toThrow('there is a reward "format" already');
  expect(() => rewardRegistry.add("hello", hello as unknown as typeof reward)).toThrow(
    'plug-in "hello" is of another kind; expected reward; got greeter',
  );
});

const reward = defineReward({
  summary: "always one",
  source: "ours",
  params: z.strictObject({}),
  readsAnswer: false,
  create: (): Reward => ({ range: [1, 1], score: () => 1 }),
});

test("kinds are known by their words", () => {
  // Test files that came before in this process may have loaded other kinds.
  expect([...pluginRegistries().keys()]).toEqual(expect.arrayContaining(["reward", "greeter"]));
  expect(pluginRegistries().get("greeter")).toBe(greeters);
  expect(pluginRegistries().get("reward")).toBe(rewardRegistry);
});

test("an entry of a folder that is of no such kind is our own fault", async () => {
  await expect(greeters.load("no-greeter")).rejects.toThrow();
  expect(() => folderRegistry("reward", new URL("./", import.meta.url))).toThrow("two registries for reward");
});
