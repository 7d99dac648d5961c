/** Which transformers' module names an adapter uses: 4.52 and later, or those up to 4.51. */
export type AdapterNaming = "current" | "transformers-4.49";

/** How files call the tensors and modules that we call by the hub's names. */
export interface TensorNames {
  /** The hub's name of a stored tensor; a name that is known stays. */
  hubName(stored: string): string;
  /** A hub name as the model of a transformers version calls it. */
  namedFor(naming: AdapterNaming, hub: string): string;
  /** The hub name behind a name of either generation, and the generation when the name tells. */
  readName(name: string): { readonly hub: string; readonly naming: AdapterNaming | undefined };
  /** Modules that are not linear but that peft would wrap too when the targets select them. */
  readonly notLinear: readonly string[];
}
