/**
 * How well completions are read: the strict reader beside the official scorers, on the committed corpus and on real
 * prediction files (where the shared data lie beside the checkout).
 * Run: node scripts/grading-accuracy.ts [--errors] [--write]
 * `--errors` lists what the strict reader gets wrong outside the held-out set; `--write` puts the tables into docs/grading.md.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseJsonRows, readJsonFile, writeFileAtomic } from "../src/core/files.ts";
import { officialJudges } from "../src/grading/official.ts";
import { extractOption, optionLetter } from "../src/grading/options.ts";

/** A completion and the one option that it says; null when it says none or several. */
export interface LabelledCompletion {
  readonly kind: string;
  readonly options: readonly string[];
  readonly completion: string;
  readonly answer: string | null;
  readonly set: "tuning" | "opened" | "held-out";
}

const root: string = fileURLToPath(new URL("..", import.meta.url));
const corpusFile: string = join(root, "test/data/answers.jsonl");
const docsFile: string = join(root, "docs/grading.md");

/** The committed corpus. */
export const readCorpus = (): readonly LabelledCompletion[] =>
  parseJsonRows(readFileSync(corpusFile, "utf8"), corpusFile).map(({ value }) => value as LabelledCompletion);

/** The letters that a scorer would credit for a completion; the strict reader credits at most one. */
export type Credited = (completion: string, options: readonly string[]) => readonly string[];

const strict: Credited = (completion, options) => {
  const { value } = extractOption(completion, options);
  return value === null ? [] : [optionLetter(value)];
};

/** The strict reader and every official scorer, by name. */
export const scorers: ReadonlyMap<string, Credited> = new Map([
  ["strict (ours)", strict],
  ...Object.entries(officialJudges).map(([name, judge]): [string, Credited] => [
    name,
    (completion, options) =>
      options.flatMap((_, index) => (judge(completion, index, options).correct ? [optionLetter(index)] : [])),
  ]),
]);

/** Counts over completions. */
export interface ReadingCounts {
  /** Completions that say one option. */
  readonly clear: number;
  /** Completions for which some option is credited. */
  readonly credited: number;
  /** Completions for which exactly the labelled option is credited. */
  readonly right: number;
}

/** How a scorer does on labelled completions. */
export const countReadings = (
  credit: Credited,
  rows: readonly Pick<LabelledCompletion, "completion" | "options" | "answer">[],
): ReadingCounts => {
  let [clear, credited, right] = [0, 0, 0];
  for (const { completion, options, answer } of rows) {
    const letters = credit(completion, options);
    if (answer !== null) clear++;
    if (letters.length > 0) credited++;
    if (letters.length === 1 && letters[0] === answer) right++;
  }
  return { clear, credited, right };
};

const percent = (part: number, whole: number): string =>
  whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`;

/** A Markdown table: one line a scorer, precision and coverage for each group of completions. */
export const accuracyTable = (
  groups: readonly (readonly [
    string,
    readonly Pick<LabelledCompletion, "completion" | "options" | "answer">[],
  ])[],
): string => {
  const head = groups.map(([name, rows]) => `${name} (${rows.length}): precision | coverage`);
  const lines = [...scorers].map(([name, credit]) => {
    const cells = groups.map(([, rows]) => {
      const { clear, credited, right } = countReadings(credit, rows);
      return `${percent(right, credited)} | ${percent(right, clear)}`;
    });
    return `| ${name} | ${cells.join(" | ")} |`;
  });
  return [`| scorer | ${head.join(" | ")} |`, `|---|${"---|---|".repeat(groups.length)}`, ...lines].join(
    "\n",
  );
};

/** The tables of the committed corpus. */
export const corpusTable = (): string => {
  const corpus = readCorpus();
  return accuracyTable(
    (["held-out", "opened", "tuning"] as const).map((set) => [set, corpus.filter((row) => row.set === set)]),
  );
};

interface TempCompassItem {
  readonly question: string;
  readonly "gt-answer": string;
  readonly "video-llm-prediction": string;
  readonly rating: number;
}

const optionsOf = (question: string): string[] =>
  [...question.matchAll(/^[A-Z][.)] ?(.*)$/gm)].map((match) => match[1]!);

/** Real prediction files: how often a scorer's verdict is the published one, and what it reads out of descriptions. */
export const realTable = (shared: string): string => {
  const folder = join(shared, "data/benchmarks");
  const rated = Object.values(
    readJsonFile(join(folder, "tempcompass/auto_eval_video-llava_multi-choice.json")) as Record<
      string,
      Record<string, TempCompassItem[]>
    >,
  ).flatMap((aspects) => Object.values(aspects).flat());
  const captions = ["CAP_DATA", "DADA_2000", "DoTA"].flatMap((set) => {
    const said = readJsonFile(
      join(folder, `vru-accident/responses/Qwen25_VL/${set}_Dense_Captioning_response.json`),
    ) as Record<string, { readonly pred?: string } | string>;
    return Object.values(said).map((caption) =>
      typeof caption === "string" ? caption : (caption.pred ?? ""),
    );
  });
  const guesses = Object.values(
    readJsonFile(join(folder, "motionbench/random_answers.json")) as Record<string, string>,
  );
  const causes = ["the driver did not brake", "the road was icy", "a red light was ignored", "a tyre burst"];
  const lines = [...scorers].map(([name, credit]) => {
    const agree = rated.filter((item) => {
      const letters = credit(item["video-llm-prediction"], optionsOf(item.question));
      return (letters.length === 1 && letters[0] === item["gt-answer"][0]) === (item.rating === 1);
    }).length;
    const read = guesses.filter((guess) => credit(guess, ["1", "2", "3", "4"]).join() === guess).length;
    const credited = captions.filter((caption) => credit(caption, causes).length > 0).length;
    return `| ${name} | ${percent(agree, rated.length)} | ${percent(read, guesses.length)} | ${percent(credited, captions.length)} |`;
  });
  return [
    `| scorer | TempCompass, Video-LLaVA (${rated.length}): same as the published rating | MotionBench example (${guesses.length}): letters read | VRU-Accident captions (${captions.length}): credited, though they answer nothing |`,
    "|---|---|---|---|",
    ...lines,
  ].join("\n");
};

const between = (text: string, name: string, table: string): string =>
  text.replace(
    new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(\\n<!-- end of ${name} -->)`),
    (_whole, start: string, end: string) => `${start}${table}${end}`,
  );

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const shared = resolve(root, process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared");
  const tables: [string, string][] = [["corpus", corpusTable()]];
  if (existsSync(join(shared, "data"))) tables.push(["real files", realTable(shared)]);
  for (const [name, table] of tables) console.log(`${name}\n\n${table}\n`);
  if (process.argv.includes("--errors"))
    for (const { set, options, completion, answer } of readCorpus()) {
      const said = strict(completion, options)[0] ?? null;
      if (set !== "held-out" && said !== answer)
        console.log(
          `${JSON.stringify(completion)} among ${options.join(" | ")}: label ${answer}, read ${said}`,
        );
    }
  if (process.argv.includes("--write"))
    writeFileAtomic(
      docsFile,
      tables.reduce((text, [name, table]) => between(text, name, table), readFileSync(docsFile, "utf8")),
    );
}
