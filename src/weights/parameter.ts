/** Name and shape of a parameter under the hub's name, which is also ours; matrices are [out, in]. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Weight, and bias if it has one, of a linear module. */
export const linearParameters = (name: string, out: number, input: number, bias: boolean): Parameter[] => [
  { name: `${name}.weight`, shape: [out, input] },
  ...(bias ? [{ name: `${name}.bias`, shape: [out] }] : []),
];

/** Weight of a norm without a bias. */
export const scaleParameter = (name: string, size: number): Parameter => ({
  name: `${name}.weight`,
  shape: [size],
});

/** A gated MLP: `gate_proj`, `up_proj`, `down_proj`. */
export const gatedMlpParameters = (
  name: string,
  width: number,
  inner: number,
  bias: boolean,
): Parameter[] => [
  ...linearParameters(`${name}.gate_proj`, inner, width, bias),
  ...linearParameters(`${name}.up_proj`, inner, width, bias),
  ...linearParameters(`${name}.down_proj`, width, inner, bias),
];
