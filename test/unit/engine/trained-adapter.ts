import { loraNames } from "../../../src/engine/lora.ts";
import type { ParameterStore } from "../../../src/engine/parameter-store.ts";
import type { Adapter } from "../../../src/weights/adapter.ts";

/** The adapter with the numbers that a store has now: what is written after training. */
export const trainedAdapter = (store: ParameterStore, adapter: Adapter): Adapter => ({
  ...adapter,
  modules: adapter.modules.map((module) => {
    const { a, b } = loraNames(module.name);
    return { ...module, a_RI: store.get(a).value.slice(), b_OR: store.get(b).value.slice() };
  }),
  replaced: adapter.replaced.map((one) => ({ ...one, data: store.tensor(one.name).data.slice() })),
});
