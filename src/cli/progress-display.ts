import { type Bar, SingleBar } from "cli-progress";
import { nowMilliseconds, type Progress } from "../core/progress.ts";

const secondsBetweenLines = 5;

/** A bar on a terminal, a line every few seconds elsewhere; always on standard error. */
export const progressDisplay = (label: string, unit: string): Progress & { stop(): void } => {
  if (process.stderr.isTTY !== true) {
    let last = Number.NEGATIVE_INFINITY;
    return {
      update: (done, total, note) => {
        const now = nowMilliseconds();
        if (now - last < secondsBetweenLines * 1000 && done !== total) return;
        last = now;
        const share = total > 0 ? `${done}/${total}` : String(done);
        process.stderr.write(`${label}: ${share} ${unit}${note === undefined ? "" : `  ${note}`}\n`);
      },
      log: (line) => void process.stderr.write(`${line}\n`),
      stop: () => {},
    };
  }
  let bar: Bar | undefined;
  return {
    update: (done, total, note) => {
      if (bar === undefined) {
        const format = `${label} [{bar}] {value}/{total} ${unit}  {note}`;
        const made = new SingleBar({ format, hideCursor: true, etaBuffer: 50, clearOnComplete: false });
        made.start(total, done, { note: note ?? "" });
        bar = made as unknown as Bar;
      }
      const single = bar as unknown as SingleBar;
      single.setTotal(total);
      single.update(done, { note: note ?? "" });
      if (total > 0 && done >= total) {
        single.stop();
        bar = undefined;
      }
    },
    log: (line) => void process.stderr.write(`${line}\n`),
    stop: () => {
      if (bar !== undefined) (bar as unknown as SingleBar).stop();
      bar = undefined;
    },
  };
};
