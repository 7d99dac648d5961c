import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver } from "../metrics.ts";
import type { EvaluationRecord } from "../records.ts";

/** The plain mean of the skills' accuracies: every skill weighs the same, however many questions it has. */
const plugin: MetricPlugin = defineMetric({
  summary: "mean of the accuracies of the skills",
  source: "macro average, as MLVU and VSI-Bench report",
  params: z.strictObject({}),
  create: () => (records) => {
    const bySkill = new Map<string, EvaluationRecord[]>();
    for (const record of records) {
      const rows = bySkill.get(record.skill);
      if (rows === undefined) bySkill.set(record.skill, [record]);
      else rows.push(record);
    }
    if (bySkill.size === 0) return null;
    let sum = 0;
    for (const rows of bySkill.values()) sum += meanOver(rows, ({ correct }) => (correct ? 1 : 0)) ?? 0;
    return sum / bySkill.size;
  },
});
export default plugin;
