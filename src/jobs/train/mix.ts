/** How data sets, and skills within them, are mixed. */
import { z } from "zod";
import { ConfigError, UnknownNameError } from "../../core/errors.ts";
import { nearestName } from "../../core/nearest.ts";
import { fragmentTasks } from "../../fragments/fragment-task.ts";
import { type MixPart, mixedOrder } from "../../training/mix.ts";
import { batchAt } from "../../training/order.ts";
import type { SampleGroup, TrainingRows } from "./rows.ts";

/** Weights of what is trained on. */
export interface MixSettings {
  readonly mix: {
    readonly sets: readonly number[] | null;
    readonly skills: Readonly<Record<string, number>> | null;
  };
}

/** Settings of the mix, for a loop that takes several data sets. */
export const mixParams: z.ZodObject = z.strictObject({
  mix: z
    .strictObject({
      sets: z
        .array(z.number().positive())
        .min(1)
        .nullable()
        .default(null)
        .describe("weight of each data set, in the order of --data; null: as many clips as each has"),
      skills: z
        .record(z.string(), z.number().min(0))
        .nullable()
        .default(null)
        .describe(
          "weights of skills within a data set, e.g. {disorder: 2, counting: 1}; what is not named keeps its share",
        ),
    })
    .prefault({}),
});

/** The skill of everything that is asked about a clip; undefined: there are several. */
const skillOf = ({ samples }: SampleGroup): string | undefined => {
  const skill = samples[0]?.skill;
  return samples.every((sample) => sample.skill === skill) ? skill : undefined;
};

/** Parts of one data set by skill: named skills share what they have together by their weights. */
const partsOfSet = (
  places: readonly number[],
  groups: readonly SampleGroup[],
  skills: Readonly<Record<string, number>>,
): MixPart[] => {
  const bySkill = Map.groupBy(places, (at) => {
    const skill = skillOf(groups[at]!);
    return skill !== undefined && Object.hasOwn(skills, skill) ? skill : "";
  });
  const named = [...bySkill].filter(([skill]) => skill !== "");
  const count = named.reduce((sum, [, own]) => sum + own.length, 0);
  const total = named.reduce((sum, [skill]) => sum + skills[skill]!, 0);
  return [...bySkill].flatMap(([skill, own]): MixPart[] => {
    if (skill === "") return [{ places: own, weight: own.length }];
    const weight = total === 0 ? 0 : (count * skills[skill]!) / total;
    return weight === 0 ? [] : [{ places: own, weight }];
  });
};

/** @throws {UnknownNameError} for a skill that neither a row nor a fragment task has */
const checkSkills = (skills: Readonly<Record<string, number>>, groups: readonly SampleGroup[]): void => {
  const found = groups.flatMap(({ samples }) => samples.flatMap(({ skill }) => skill ?? []));
  const known = [...new Set([...found, ...fragmentTasks.names()])].sort();
  const strange = Object.keys(skills).find((name) => !known.includes(name));
  if (strange !== undefined) throw new UnknownNameError("skill", strange, known, nearestName(strange, known));
};

/** Whether a data set has anything that a clip can be contrasted with. */
const canBeContrasted = (groups: readonly SampleGroup[]): boolean =>
  groups.some(({ samples }) =>
    samples.some(({ absent, keywords = [] }) => absent !== undefined || keywords.length > 0),
  );

/** How groups are taken, and which of them only answers are learnt of. */
export interface MixedGroups {
  /** Places of a step's groups (1-based), the same ones whenever it is asked. */
  readonly order: (step: number) => readonly number[];
  /** Data sets, by folder, that are not contrasted though the losses contrast clips. */
  readonly notContrasted: ReadonlySet<string>;
}

/**
 * The order of groups under a mix; without one, every epoch is a new order of all of them. Where losses contrast clips, a
 * data set that has nothing to contrast (fragments) fills steps of its own, of which only answers are learnt.
 *
 * @throws {ConfigError} for weights of another number of data sets
 * @throws {UnknownNameError} for a skill that nobody has
 */
export const mixedGroups = (
  { groups, datasets }: Pick<TrainingRows, "groups" | "datasets">,
  { mix, clipsPerStep, seed }: MixSettings & { readonly clipsPerStep: number; readonly seed: number },
  contrasts: boolean,
): MixedGroups => {
  const { sets, skills } = mix;
  if (sets !== null && sets.length !== datasets.length)
    throw new ConfigError("mix.sets", {
      expected: `a weight for each of the ${datasets.length} data sets, in the order of --data`,
      got: JSON.stringify(sets),
    });
  checkSkills(skills ?? {}, groups);
  const bySet = datasets.map(({ folder }) =>
    groups.flatMap((group, at) => (group.folder === folder ? [at] : [])),
  );
  const apart = bySet.map((places) => contrasts && !canBeContrasted(places.map((at) => groups[at]!)));
  // With nothing to contrast anywhere the losses say so themselves.
  const isApart = apart.map((one) => one && apart.includes(false));
  const notContrasted = new Set(datasets.flatMap(({ folder }, set) => (isApart[set] ? [folder] : [])));
  if (sets === null && skills === null && notContrasted.size === 0)
    return { order: (step) => batchAt(groups.length, clipsPerStep, step, seed), notContrasted };
  const total = (parts: readonly MixPart[]): number => parts.reduce((sum, { weight }) => sum + weight, 0);
  const parts = bySet.flatMap((places, set): MixPart[] => {
    const own = partsOfSet(places, groups, skills ?? {});
    const scale = sets === null ? 1 : sets[set]! / total(own);
    return own.map((part) => ({
      ...part,
      weight: scale * part.weight,
      company: isApart[set] ? "answers" : "",
    }));
  });
  if (parts.length === 0)
    throw new ConfigError("mix.skills", {
      expected: "a weight above 0 for a skill of the data sets",
      got: JSON.stringify(skills),
    });
  return { order: mixedOrder(parts, clipsPerStep, seed), notContrasted };
};
