import { apply, checkShape, type Operation, type Value } from "../value.ts";

/** The kernel takes heads of whole multiples of this size only. */
const headMultiple = 8;

interface CachedAttentionAttributes {
  readonly heads: number;
  readonly kvHeads: number;
}

/**
 * Legend: B rows (one new token each), H query heads, K key heads, d head size, L capacity of the cache.
 *
 * Inputs: query [B, H d], key and value [B, K d] of the new token (positions applied), pastKey and pastValue
 * [B, K, L, d], last [B] int32 = tokens in the cache before this one, total [1] int32 = the largest of last + 1.
 * Outputs: mixed values [B, H d] and the caches with the new token at place last[b].
 */
const cachedAttentionOperation: Operation<CachedAttentionAttributes> = {
  name: "cachedAttention",
  infer: (inputs, { heads, kvHeads }) => {
    const [query, key, , pastKey] = inputs as readonly [Value, Value, Value, Value];
    const [, caches, , size] = pastKey.shape as [number, number, number, number];
    const fits = caches === kvHeads && query.shape[1] === heads * size && key.shape[1] === kvHeads * size;
    checkShape(fits, "cachedAttention", inputs, "[B, H d], [B, K d] and caches [B, K, L, d]");
    const cache = { shape: pastKey.shape, dtype: "float32" as const };
    return [{ shape: query.shape, dtype: "float32" }, cache, cache];
  },
  evaluate: (node, [query, key, value, pastKey, pastValue, last]) => {
    const { heads, kvHeads } = node.attributes;
    const [rows, , capacity, size] = node.inputs[3]!.shape as [number, number, number, number];
    const keys = pastKey!.data.slice();
    const values = pastValue!.data.slice();
    const mixed = new Float64Array(rows * heads * size);
    for (let b = 0; b < rows; b++) {
      const place = last!.data[b]!;
      for (let k = 0; k < kvHeads; k++) {
        for (let d = 0; d < size; d++) {
          const to = ((b * kvHeads + k) * capacity + place) * size + d;
          keys[to] = key!.data[(b * kvHeads + k) * size + d]!;
          values[to] = value!.data[(b * kvHeads + k) * size + d]!;
        }
      }
      for (let h = 0; h < heads; h++) {
        const base = (b * kvHeads + Math.floor((h * kvHeads) / heads)) * capacity * size;
        const from = (b * heads + h) * size;
        const scores: number[] = [];
        for (let t = 0; t <= place; t++) {
          let score = 0;
          for (let d = 0; d < size; d++) score += query!.data[from + d]! * keys[base + t * size + d]!;
          scores.push(score / Math.sqrt(size));
        }
        const top = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - top));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        weights.forEach((weight, t) => {
          for (let d = 0; d < size; d++) mixed[from + d]! += (weight / total) * values[base + t * size + d]!;
        });
      }
    }
    const cache = node.inputs[3]!.shape;
    return [
      { shape: node.outputs[0]!.shape, data: mixed },
      { shape: cache, data: keys },
      { shape: cache, data: values },
    ];
  },
  lower: (node, emitter) => {
    const [query, key, value, pastKey, pastValue, last, total] = node.inputs.map(emitter.name) as string[];
    const { heads, kvHeads } = node.attributes;
    const [rows, , , size] = node.inputs[3]!.shape as [number, number, number, number];
    const whole = Math.ceil(size / headMultiple) * headMultiple;
    const made = (operator: string, inputs: readonly string[]): string => {
      const to = emitter.temporary();
      emitter.node(operator, inputs, [to]);
      return to;
    };
    // Heads are filled up with zeros, which change neither scores nor sums, and cut again behind.
    const filled = (name: string): string =>
      whole === size ? name : made("Pad", [name, emitter.integers([0, 0, 0, 0, 0, 0, 0, whole - size])]);
    const cut = (name: string): string =>
      made("Slice", [name, ...[0, size, 3].map((number) => emitter.integers([number]))]);
    const stacked = [query!, key!, value!].map((name, at) => {
      if (whole === size) return made("Unsqueeze", [name, emitter.integers([1])]);
      const count = at === 0 ? heads : kvHeads;
      const apart = made("Reshape", [name, emitter.integers([rows, 1, count, size])]);
      return made("Reshape", [filled(apart), emitter.integers([rows, 1, count * whole])]);
    });
    const scalar = made("Reshape", [total!, emitter.integers([1])]);
    const caches = [node.outputs[1]!, node.outputs[2]!].map(emitter.name);
    const mixed = emitter.temporary();
    const kept = whole === size ? caches : caches.map(() => emitter.temporary());
    emitter.node(
      "GroupQueryAttention",
      [...stacked, filled(pastKey!), filled(pastValue!), last!, scalar],
      [mixed, ...kept],
      { num_heads: heads, kv_num_heads: kvHeads, scale: { float: 1 / Math.sqrt(size) } },
      "com.microsoft",
    );
    let rowsOut = mixed;
    if (whole !== size) {
      for (const [at, cache] of kept.entries()) emitter.node("Identity", [cut(cache)], [caches[at]!]);
      rowsOut = cut(made("Reshape", [mixed, emitter.integers([rows, 1, heads, whole])]));
    }
    const out = emitter.name(node.outputs[0]!);
    emitter.node("Reshape", [rowsOut, emitter.integers([rows, heads * size])], [out]);
  },
};

/** What {@link cachedAttention} reads. */
export interface CachedAttentionInputs {
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
  readonly pastKey: Value;
  readonly pastValue: Value;
  readonly last: Value;
  readonly total: Value;
}

/** Attention of one new token a row over a cache that it joins: [mixed, keys, values]. No gradient. */
export const cachedAttention = (
  inputs: CachedAttentionInputs,
  heads: number,
  kvHeads: number,
): readonly Value[] => {
  const { query, key, value, pastKey, pastValue, last, total } = inputs;
  return apply(cachedAttentionOperation, [query, key, value, pastKey, pastValue, last, total], {
    heads,
    kvHeads,
  });
};
