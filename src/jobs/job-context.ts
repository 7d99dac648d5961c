import type { Progress } from "../core/progress.ts";

/** What a running job is given besides its options. */
export interface JobContext {
  /** Bar or lines for a person. `label` names the work, `unit` what is counted. */
  progress(label: string, unit: string): Progress;
  /** Ends when somebody asks for a stop; long work looks at it between items and stops cleanly. */
  readonly signal: AbortSignal;
  /** One line about something that is not as it should be but stops nothing. */
  warn(line: string): void;
}
