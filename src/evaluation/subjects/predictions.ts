import { z } from "zod";
import { predictionSubject } from "../prediction-subject.ts";
import { readPredictions } from "../predictions.ts";
import { defineSubject, type SubjectPlugin } from "../subject.ts";

const plugin: SubjectPlugin = defineSubject({
  summary: "answers in a file: predictions in any layout that score reads, or our own records",
  source: "ours",
  params: z.strictObject({ file: z.string().min(1).describe("the file, or a folder of them") }),
  argument: "file",
  create:
    ({ file }) =>
    async ({ ownLayout }) => ({
      ...predictionSubject(readPredictions(file, ownLayout)),
      looks: false,
      [Symbol.asyncDispose]: async () => {},
    }),
});
export default plugin;
