import { MultiBar, type SingleBar } from "cli-progress";
import { nowMilliseconds, type Progress } from "../core/progress.ts";
import { sparkline } from "./sparkline.ts";

/** Progress that is shown to a person. */
export type ProgressDisplay = Required<Progress> & { stop(): void };

const secondsBetweenLines = 5;

/** Numbers of which a terminal draws the course, and what they are called there. */
const drawn: Readonly<Record<string, string>> = {
  loss: "loss",
  gradientNorm: "gradient norm",
  "validation/loss": "held-out loss",
  "validation/accuracy": "held-out accuracy",
  "validation/rougeL": "held-out ROUGE-L",
};

const nameWidth = Math.max(...Object.values(drawn).map(({ length }) => length));

/** A line every few seconds. */
const lines = (label: string, unit: string, stream: NodeJS.WriteStream): ProgressDisplay => {
  let last = Number.NEGATIVE_INFINITY;
  return {
    update: (done, total, note) => {
      const now = nowMilliseconds();
      if (now - last < secondsBetweenLines * 1000 && done !== total) return;
      last = now;
      const share = total > 0 ? `${done}/${total}` : String(done);
      stream.write(`${label}: ${share} ${unit}${note === undefined ? "" : `  ${note}`}\n`);
    },
    numbers: () => {},
    log: (line) => void stream.write(`${line}\n`),
    stop: () => {},
  };
};

/** A bar, and below it the course of what is drawn. */
class Bars implements ProgressDisplay {
  readonly #label: string;
  readonly #unit: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #series = new Map<string, number[]>();
  #bars: MultiBar | undefined;
  #main: SingleBar | undefined;
  #courses = new Map<string, SingleBar>();

  constructor(label: string, unit: string, stream: NodeJS.WriteStream) {
    this.#label = label;
    this.#unit = unit;
    this.#stream = stream;
  }

  update(done: number, total: number, note = ""): void {
    this.#bars ??= new MultiBar({
      stream: this.#stream,
      hideCursor: true,
      etaBuffer: 50,
      clearOnComplete: false,
      stopOnComplete: false,
      // Whoever presses Ctrl-C is heard by the command itself.
      gracefulExit: false,
      format: "",
    });
    const format = `${this.#label} [{bar}] {value}/{total} ${this.#unit}  {note}`;
    this.#main ??= this.#bars.create(total, done, { note }, { format });
    this.#main.setTotal(total);
    this.#main.update(done, { note });
    for (const [name, values] of this.#series) {
      const course = { text: this.#course(name, values) };
      const bar = this.#courses.get(name) ?? this.#bars.create(1, 0, course, { format: "{text}" });
      this.#courses.set(name, bar);
      bar.update(0, course);
    }
    if (total > 0 && done >= total) this.stop();
  }

  numbers(values: Readonly<Record<string, number>>): void {
    for (const name of Object.keys(drawn)) {
      const value = values[name];
      if (value === undefined) continue;
      const before = this.#series.get(name) ?? [];
      before.push(value);
      this.#series.set(name, before);
    }
  }

  log(line: string): void {
    if (this.#bars === undefined) this.#stream.write(`${line}\n`);
    else this.#bars.log(`${line}\n`);
  }

  stop(): void {
    // What was logged last is written with the next drawing only; the types forget that one can draw.
    (this.#bars as (MultiBar & { update(): void }) | undefined)?.update();
    this.#bars?.stop();
    this.#bars = undefined;
    this.#main = undefined;
    this.#courses = new Map();
  }

  #course(name: string, values: readonly number[]): string {
    const title = drawn[name]!.padStart(nameWidth);
    const last = values.at(-1)!.toPrecision(4);
    const room = (this.#stream.columns ?? 80) - title.length - last.length - 4;
    return `${title}  ${sparkline(values, Math.max(8, Math.min(60, room)))}  ${last}`;
  }
}

/**
 * A bar on a terminal, below it the course of losses and looks where there are any; elsewhere a line every few seconds.
 *
 * @param stream where it is shown; default standard error
 */
export const progressDisplay = (
  label: string,
  unit: string,
  stream: NodeJS.WriteStream = process.stderr,
): ProgressDisplay => (stream.isTTY === true ? new Bars(label, unit, stream) : lines(label, unit, stream));
