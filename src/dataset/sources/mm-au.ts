import { basename, dirname, resolve } from "node:path";
import { z } from "zod";
import { readTextFile } from "../../core/files.ts";
import { defineSource, type SourceDefinition, type SourceRow, type UnreadRow } from "../sources.ts";

/** `type//video start accident end，what is not so//cause//prevention//what happens`; the comma is a full-width one or not. */
const LINE = /^(\d+)\/\/(\S+) (\d+) (\d+) (\d+)\s*[，,]\s*(.*)$/;

const params = z.strictObject({
  window: z
    .enum(["accident", "whole"])
    .default("accident")
    .describe("which frames are the event: from the accident on, or from the first sign of it"),
});

const readLine = (
  line: string,
  window: "accident" | "whole",
): Omit<SourceRow, "id" | "provenance"> & { readonly more: Record<string, unknown> } => {
  const [, type, video, start, accident, end, texts] = LINE.exec(line) ?? [];
  if (video === undefined)
    throw new Error("not a line of MM-AU; expected TYPE//VIDEO START ACCIDENT END,texts");
  const [, cause = "", prevention = "", category = ""] = texts!.split("//").map((text) => text.trim());
  // Frames of the annotation are counted from 1, and the last one belongs to the accident.
  const startFrame = Number(window === "whole" ? start : accident) - 1;
  const endFrame = Number(end);
  if (startFrame < 0 || endFrame <= startFrame)
    throw new Error(`the accident ends before it starts; got frames ${startFrame + 1} to ${endFrame}`);
  const caption = category;
  return {
    clip: { file: video },
    ...(caption && { caption }),
    frameEvents: [{ startFrame, endFrame, what: category }],
    more: { accidentType: Number(type), cause, prevention, ...(caption && { caption }) },
  };
};

function* rowsOf(place: string, window: "accident" | "whole"): Generator<SourceRow | UnreadRow> {
  const file = basename(place);
  for (const [at, line] of readTextFile(place)
    .split(/\r\n|[\r\n]/)
    .entries()) {
    if (line.trim() === "") continue;
    try {
      const { more, ...row } = readLine(line.trim(), window);
      const source = `${file}:${at + 1}`;
      yield { id: source, ...row, provenance: { source, ...more } };
    } catch (error) {
      yield { unread: { where: `${place}:${at + 1}`, reason: (error as Error).message } };
    }
  }
}

/** Traffic accidents whose window, in frames, is the event. */
const source: SourceDefinition = defineSource({
  summary: "MM-AU and DADA-2000: lines TYPE//VIDEO START ACCIDENT END,texts; the accident is the event",
  source: "Fang et al., Abductive Ego-View Accident Video Understanding (arXiv 2403.00436)",
  params,
  recognises: ({ isFolder, head }) => !isFolder && LINE.test(head.split(/\r?\n/, 1)[0]!.trim()),
  create: ({ window }) => ({
    folder: (place) => dirname(resolve(place)),
    rows: async function* (place) {
      yield* rowsOf(place, window);
    },
  }),
});

export default source;
