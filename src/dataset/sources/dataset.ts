import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { readSamples } from "../read.ts";
import { defineSource, type SourceDefinition } from "../sources.ts";

const source: SourceDefinition = defineSource({
  summary: "a data set folder of this program",
  source: "ours",
  params: z.strictObject({}),
  recognises: ({ place, isFolder }) => isFolder && existsSync(join(place, "dataset.json")),
  create: () => ({ folder: (place) => resolve(place), rows: (place) => readSamples(place) }),
});

export default source;
