import { seededRandom } from "../../src/core/random.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { expectedTensors } from "../../src/model/parameters.ts";
import { elementsOf } from "../../src/weights/write-safetensors.ts";

/** Numbers of a tensor, made when they are asked for. */
export interface RandomTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: () => Float32Array;
}

/** Weights of any size: norms 1, biases 0, matrices from one table of normal numbers at places of their own. */
export const randomTensors = (config: ModelConfig): RandomTensor[] => {
  const random = seededRandom("large model trial");
  const table = Float32Array.from({ length: 1 << 22 }, () => random.normal());
  return expectedTensors(config).map(({ name, shape }) => ({
    name,
    shape,
    data: () => {
      const numbers = new Float32Array(elementsOf(shape));
      if (shape.length === 1) return numbers.fill(name.endsWith("bias") ? 0 : 1);
      const scale = 1 / Math.sqrt(elementsOf(shape.slice(1)));
      const shift = random.fork(name).integer(table.length);
      for (let i = 0; i < numbers.length; i++) numbers[i] = scale * table[(i + shift) & (table.length - 1)]!;
      return numbers;
    },
  }));
};
