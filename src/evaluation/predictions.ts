import { readFileSync } from "node:fs";
import { z } from "zod";
import { DataFormatError, messageOf } from "../core/errors.ts";
import { parseJson } from "../core/files.ts";

const line = z.object({ id: z.string().min(1), answer: z.string() });

/**
 * Predictions by question: a JSON object `{ id: text }`, or lines `{ "id": ..., "answer": ... }` (also `uid` or
 * `questionId`, `prediction`, `output` or `rawOutput`).
 *
 * @throws {DataFormatError} for another layout, or a question answered twice
 */
export const readPredictions = (file: string): ReadonlyMap<string, string> => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new DataFormatError("cannot read predictions", {
      where: file,
      got: messageOf(error),
      cause: error,
    });
  }
  const lines = text.split("\n").filter((row) => row.trim() !== "");
  const result = new Map<string, string>();
  if (lines.length === 0) throw new DataFormatError("no predictions", { where: file });
  const first = lines.length > 1 && /^\s*\{.*\}\s*$/.test(lines[0]!) ? null : parseJson(text, file);
  const isRow = (value: object): boolean =>
    "answer" in value || "prediction" in value || "output" in value || "rawOutput" in value;
  if (first !== null && typeof first === "object" && !Array.isArray(first) && !isRow(first)) {
    for (const [id, answer] of Object.entries(first)) {
      if (typeof answer !== "string")
        throw new DataFormatError("prediction is not text", {
          where: `${file}, ${id}`,
          got: JSON.stringify(answer),
        });
      result.set(id, answer);
    }
    return result;
  }
  lines.forEach((row, i) => {
    const where = `${file}:${i + 1}`;
    const value = parseJson(row, where) as Record<string, unknown> | null;
    const parsed = line.safeParse({
      id: value?.["id"] ?? value?.["uid"] ?? value?.["questionId"],
      answer: value?.["answer"] ?? value?.["prediction"] ?? value?.["output"] ?? value?.["rawOutput"],
    });
    if (!parsed.success)
      throw new DataFormatError("not a prediction", {
        where,
        expected: '{"id": "...", "answer": "..."}',
        got: row.slice(0, 60),
      });
    if (result.has(parsed.data.id))
      throw new DataFormatError("question answered twice", { where, got: parsed.data.id });
    result.set(parsed.data.id, parsed.data.answer);
  });
  return result;
};
