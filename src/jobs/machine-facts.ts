import { cpus, totalmem } from "node:os";
import type { NamedFact } from "../evaluation/report/description.ts";

/** The machine and what this process took of it, for a run's journal. */
export const machineFacts = (): NamedFact[] => [
  { name: "processor", value: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}` },
  { name: "memory", value: `${(totalmem() / 2 ** 30).toFixed(0)} GiB` },
  {
    name: "peak memory of this process",
    value: `${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB`,
  },
];
