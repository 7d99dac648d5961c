import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KeywordUsage } from "../../absent/keywords.ts";
import type { EndpointSpending } from "../../core/endpoint-cost.ts";
import type { TeacherUsage } from "../../dataset/teacher.ts";
import { type BuiltClip, resultFile } from "./protocol.ts";

/** Nothing was asked. */
export const noCost: EndpointSpending = { tokens: 0, cost: 0 };

/** The sum of two costs. */
export const addCost = (one: EndpointSpending, other: EndpointSpending): EndpointSpending => ({
  tokens: one.tokens + other.tokens,
  cost: one.cost + other.cost,
});

const ofUsage = (usage: KeywordUsage | TeacherUsage | undefined): EndpointSpending =>
  usage === undefined ? noCost : { tokens: usage.promptTokens + usage.completionTokens, cost: usage.cost };

/** What a clip's answers cost: those of its teacher, and those about its rows' keywords. */
export const clipCost = ({
  teacherUsage,
  rows,
}: Pick<BuiltClip, "teacherUsage" | "rows">): EndpointSpending =>
  rows.map(({ keywordUsage }) => ofUsage(keywordUsage)).reduce(addCost, ofUsage(teacherUsage));

/** Reads what a clip became. */
export const readResult = (out: string, position: number): BuiltClip =>
  JSON.parse(readFileSync(join(out, resultFile(position)), "utf8")) as BuiltClip;

/** What is shown of a cost while it grows; empty: nothing was asked. */
export const shownCost = ({ tokens, cost }: EndpointSpending): string => {
  if (tokens === 0) return "";
  return `, ${tokens.toLocaleString("en-US")} tokens${cost > 0 ? `, cost ${cost.toFixed(4)}` : ""}`;
};
