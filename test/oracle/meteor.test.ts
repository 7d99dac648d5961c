import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { captionPairs } from "../../bench/sides/caption-pairs.ts";
import { installedWordNet } from "../../src/absent/language/wordnet.ts";
import { addMeteorCounts, meteorCounts, meteorJava } from "../../src/evaluation/overlap/meteor-java.ts";
import { meteorJavaTokens } from "../../src/evaluation/overlap/meteor-words.ts";
import { ParaphraseTable } from "../../src/evaluation/overlap/paraphrases.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";

/** meteor-1.5.jar beside its `data/paraphrase-en.gz`, as pycocoevalcap 1.2 has them. */
const jar = process.env["VIDEOPERCEIVER_METEOR_JAR"];
if (jar === undefined)
  console.log("\nSKIPPED: METEOR 1.5 in Java: set VIDEOPERCEIVER_METEOR_JAR to meteor-1.5.jar\n");

test.skipIf(jar === undefined || sharedMissing("captions of VRU-Accident")).each([false, true])(
  "every real caption and all together equal the Java program, paraphrases: %s",
  (withTable) => {
    const pairs = captionPairs(sharedFile("data/benchmarks/vru-accident")).map((pair) =>
      [pair.reference, pair.hypothesis].map((text) => text.replace(/\s+/g, " ")),
    ) as [string, string][];
    expect(pairs).toHaveLength(610);
    const stages = withTable ? [] : ["-m", "exact stem synonym", "-w", "1.0 0.6 0.8"];
    const run = (input: string): string[] =>
      execFileSync("java", ["-Xmx3G", "-jar", jar!, "-", "-", "-stdio", "-l", "en", "-norm", ...stages], {
        input,
        encoding: "utf8",
      })
        .trim()
        .split("\n");
    const counted = run(pairs.map(([wanted, said]) => `SCORE ||| ${wanted} ||| ${said}\n`).join(""));
    const scores = run(`${["EVAL", ...counted].join(" ||| ")}\n`).map(Number);
    const tokens = pairs.map((pair) => pair.map(meteorJavaTokens) as [string[], string[]]);
    const paraphrases = withTable
      ? new ParaphraseTable(jar!.replace(/[^/\\]+$/, "data/paraphrase-en.gz"))
      : undefined;
    paraphrases?.cover(tokens.flat(2));
    const language = { wordNet: installedWordNet(), ...(paraphrases && { paraphrases }) };
    const counts = tokens.map(([wanted, said]) => meteorCounts(wanted, said, language));
    counts.forEach((count, at) => {
      expect(meteorJava(count)).toBeCloseTo(scores[at]!, 13);
    });
    expect(meteorJava(addMeteorCounts(counts))).toBeCloseTo(scores.at(-1)!, 13);
  },
  300_000,
);
