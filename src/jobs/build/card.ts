import type { DatasetDescription, Rejection } from "../../dataset/schema.ts";
import { auditHeadline } from "../../evaluation/audit/page.ts";
import { percent, percentRange } from "../../pages/format.ts";
import type { BuildPlan } from "./plan-clips.ts";
import type { Tally, TextLeak } from "./tally.ts";

/** Most rejections of one rule that are quoted. */
const quoted = 2;

/** How often each rule rejected, most often first, with what it said of the first ones. */
export class RejectionCounts {
  readonly #byRule = new Map<string, { count: number; first: Rejection[] }>();

  /** Counts one. */
  add(rejection: Rejection): void {
    const known = this.#byRule.get(rejection.ruleId) ?? { count: 0, first: [] };
    this.#byRule.set(rejection.ruleId, known);
    known.count++;
    if (known.first.length < quoted) known.first.push(rejection);
  }

  /** Counts by rule. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#sorted().map(([rule, { count }]) => [rule, count]));
  }

  /** Rows of the card's table. */
  lines(): string[] {
    return this.#sorted().map(
      ([rule, { count, first }]) =>
        `| ${rule} | ${count} | ${first.map(({ source, reason }) => `${cell(source)}: ${cell(reason)}`).join("<br>")} |`,
    );
  }

  #sorted() {
    return [...this.#byRule].sort(([a, x], [b, y]) => y.count - x.count || (a < b ? -1 : 1));
  }
}

/** Text inside a table of Markdown. */
const cell = (text: string): string =>
  text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replace(/\s+/g, " ");

const counted = (map: ReadonlyMap<string, number>): string =>
  [...map]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([name, count]) => `${name} (${count})`)
    .join(", ");

/** What is odd about the answers of a family: one answer has most of them. */
const unbalanced = (answers: Tally["answers"]): string[] =>
  [...answers].flatMap(([skill, counts]) => {
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const [top] = [...counts].sort(([, x], [, y]) => y - x);
    if (top === undefined || all < 20 || counts.size > all / 4 || top[1] < (2 * all) / counts.size) return [];
    return [`${skill}: ${top[1]} of ${all} answers are "${cell(top[0])}"`];
  });

/** What a person should know of the pairs. */
const noticed = ({ shortFreezes, pairs, keywordNotes }: Tally): string[] => {
  const notes = [...keywordNotes].sort(([, x], [, y]) => y - x);
  return [
    ...(shortFreezes > 0
      ? [
          `${shortFreezes} of ${pairs} twins are frozen for less than a quarter of a second: hard to tell from their clips`,
        ]
      : []),
    ...notes.slice(0, 3).map(([note, count]) => `keywords of ${count} captions: ${cell(note)}`),
  ];
};

/** One sentence on what can be had without looking; a warning where it is too much. */
export const leakSentence = ({ audit, isLeaking }: TextLeak): string => {
  const headline = auditHeadline(audit);
  if (headline === null) return "No question has a closed set of answers, so nothing could be guessed.";
  if (!isLeaking) return headline;
  const isSettled = audit.guessers.some(({ accuracy }) => accuracy.low > (audit.chance ?? 1));
  return isSettled
    ? `**Warning: the texts give answers away.** ${headline}`
    : `**Warning: the texts may give answers away:** the best guess is more than five points above chance, which so few questions do not settle. ${headline}`;
};

/** What the card is made of. */
export interface CardRequest {
  readonly title: string;
  readonly plan: BuildPlan;
  readonly tally: Tally;
  readonly leak: TextLeak;
  readonly rejections: RejectionCounts;
  readonly warnings: readonly string[];
  readonly description: DatasetDescription;
}

/** `card.md`: what is in the data set, where it came from, what was thrown out, and what to beware of. */
export const datasetCard = ({
  title,
  plan,
  tally,
  leak,
  rejections,
  warnings,
  description,
}: CardRequest): string => {
  const { counts, skills, contentHash } = description;
  const { share, eventsGone, halfGone } = tally;
  const events =
    eventsGone.value === null
      ? ""
      : `\n- of the known events' frames ${percent(eventsGone.value)} % are gone on average; at least half of them in ${halfGone} of ${eventsGone.count} pairs`;
  const warned = [...warnings, ...unbalanced(tally.answers), ...noticed(tally)];
  return `# ${title}

Complete clips, their twins without the decisive frames, and questions about them. Twins are virtual: \`absent\` of a
sample says which frames show which other ones.

- ${counts.clips} clips, ${tally.pairs} pairs, ${counts.samples} samples; ${counts.rejected} were rejected; content ${contentHash}
- relevance: ${counted(tally.relevance) || "none"}; builder: ${counted(tally.builders) || "none"}
- replaced: ${share.value === null ? "nothing" : `${percent(share.value)} % of a clip's frames on average`}${events}${sparsifiedLine(tally)}

| source | kind | rows |
|---|---|---|
${plan.sources.map(({ place, name, rows }) => `| ${cell(place)} | ${name} | ${rows} |`).join("\n")}

| questions | samples |
|---|---|
${Object.entries(skills)
  .map(([skill, count]) => `| ${cell(skill)} | ${count} |`)
  .join("\n")}

## What can be answered without looking

${leakSentence(leak)}
${audited(leak)}
## What was rejected

${counts.rejected === 0 ? "Nothing." : `| rule | how often | for example |\n|---|---|---|\n${rejections.lines().join("\n")}`}
${warned.length === 0 ? "" : `\n## Beware\n\n${warned.map((line) => `- ${line}`).join("\n")}\n`}`;
};

/** What became of frames that were chosen with the samples; empty where none were. */
export const sparsifiedLine = ({ keyShare, sparsifiedAsWanted }: Tally): string =>
  keyShare.value === null
    ? ""
    : `\n- frames are chosen with the samples, at their true uneven times: ${percent(keyShare.value)} % of them lie in events on average; ${sparsifiedAsWanted} of ${keyShare.count} are within a frame of what was wanted`;

const audited = ({ audit: { guessers, chance } }: TextLeak): string =>
  guessers.length === 0 || chance === null
    ? ""
    : `
| guesser | right, per cent | how |
|---|---|---|
${guessers.map(({ name, accuracy, how }) => `| ${name} | ${percent(accuracy.value)} (${percentRange(accuracy)}) | ${how} |`).join("\n")}
| chance | ${percent(chance)} | |
`;
