import type { Progress } from "../core/progress.ts";

/** What a job is given besides what it is to do. */
export interface JobContext {
  /** Ends when the person wants it to; long work looks at it between items and stops cleanly. */
  readonly signal: AbortSignal;
  /** Bar or lines for the person. `label` names the work, `unit` what is counted. */
  progress(label: string, unit: string): Progress;
  /** One line about something that is not as it should be but stops nothing. */
  warn(line: string): void;
}
