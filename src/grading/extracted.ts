/** What was read out of a completion, and by which rule; `null` when no rule applies. Nothing is ever guessed. */
export interface Extracted<T> {
  readonly value: T | null;
  /** Stable name of the rule that hit, or why none did. */
  readonly rule: string;
}
