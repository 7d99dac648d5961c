/** Which parameters have a learning rate and a decay of their own. */
import { ConfigError } from "../core/errors.ts";
import type { JointParameter } from "../model/joint-parameters.ts";
import type { ParameterGroup, UpdateOptions } from "./contract.ts";
import type { StoredParameter } from "./parameter-store.ts";

/** What an update does to one parameter. */
export interface ParameterUpdate<P = StoredParameter> {
  readonly parameter: P;
  /** What its gradient's norm is reported under: its group, else its part of the model. */
  readonly group: string;
  readonly learningRate: number;
  readonly weightDecay: number;
}

const regularExpression = ({ name, pattern }: ParameterGroup): RegExp => {
  try {
    return new RegExp(pattern);
  } catch (cause) {
    throw new ConfigError("pattern of a parameter group", {
      where: name,
      expected: "a regular expression",
      got: pattern,
      cause,
    });
  }
};

/**
 * The group of each parameter, by name; undefined where none takes it. Of several groups the first one does.
 *
 * @throws {ConfigError} for a pattern that is no regular expression, or a group that takes nothing of what is trained
 */
export const groupsOf = (
  names: readonly string[],
  groups: readonly ParameterGroup[],
): readonly (ParameterGroup | undefined)[] => {
  const patterns = groups.map(regularExpression);
  const taken = names.map((name) => groups[patterns.findIndex((pattern) => pattern.test(name))]);
  for (const group of groups)
    if (!taken.includes(group))
      throw new ConfigError("a parameter group without parameters", {
        where: group.name,
        expected: `a pattern that one of the ${names.length} trained parameters matches and no earlier group takes, such as ${names.slice(0, 3).join(", ") || "none: nothing is trained"}`,
        got: group.pattern,
      });
  return taken;
};

/** What an update does to everything that is trained, in order. @throws {ConfigError} as {@link groupsOf} */
export const parameterUpdates = <P extends Pick<JointParameter, "name" | "part">>(
  trained: readonly P[],
  options: UpdateOptions,
): ParameterUpdate<P>[] => {
  const taken = groupsOf(
    trained.map(({ name }) => name),
    options.groups ?? [],
  );
  return trained.map((parameter, i) => {
    const { name, learningRateFactor = 1, weightDecay = options.weightDecay } = taken[i] ?? {};
    const learningRate = options.learningRate * learningRateFactor;
    return { parameter, group: name ?? parameter.part, learningRate, weightDecay };
  });
};

/** L2 norms by group. @param squares sum of squares of each parameter's gradient */
export const groupNorms = (
  updates: readonly Pick<ParameterUpdate, "group">[],
  squares: ArrayLike<number>,
): Record<string, number> => {
  const sums: Record<string, number> = {};
  updates.forEach(({ group }, i) => {
    sums[group] = (sums[group] ?? 0) + squares[i]!;
  });
  return Object.fromEntries(Object.entries(sums).map(([group, sum]) => [group, Math.sqrt(sum)]));
};
