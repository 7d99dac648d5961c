import type { ClusteredValue } from "../../evaluation/statistics/clustered.ts";
import type { ReproStudy } from "../../recipes/repro/study.ts";
import type { AskedFragment, Measures } from "./measures.ts";

/** One number of one question or clip. */
interface EndpointValue extends ClusteredValue {
  /** What pairs it with another arm's. */
  readonly id: string;
}

/** What arms are compared by; fixed before anything runs. */
export interface Endpoint {
  readonly key: string;
  readonly title: string;
  readonly what: string;
  readonly values: (measures: Measures) => readonly EndpointValue[];
}

const aboutEvents = ({ asked }: Measures): Measures["asked"] => asked.filter(({ aboutEvent }) => aboutEvent);

/** The endpoints of every study, the first ones first. */
export const endpoints: readonly Endpoint[] = [
  {
    key: "win",
    title: "Win rate",
    what: "held-out clips whose text is nearer to the clip than to its scripted twin, one end token for both",
    values: ({ wins }) => wins.map(({ clip, twin }) => ({ id: clip, cluster: clip, value: twin })),
  },
  {
    key: "winFrozen",
    title: "Win rate of the control",
    what: "the same with as many frames frozen outside the event: what seeing a freeze is worth",
    values: ({ wins }) => wins.map(({ clip, frozen }) => ({ id: clip, cluster: clip, value: frozen })),
  },
  {
    key: "winGap",
    title: "Win rate above its control",
    what: "the first minus the second, clip by clip",
    values: ({ wins }) =>
      wins.map(({ clip, twin, frozen }) => ({ id: clip, cluster: clip, value: twin - frozen })),
  },
  {
    key: "eventAccuracy",
    title: "Accuracy on event questions",
    what: "closed questions that only the event answers",
    values: (measures) =>
      aboutEvents(measures).map(({ question, clip, complete }) => ({
        id: question,
        cluster: clip,
        value: complete,
      })),
  },
  {
    key: "right",
    title: "Probability of the right answer",
    what: "of the whole answer to an event question, among everything that could be said",
    values: ({ right }) =>
      right.map(({ question, clip, probability }) => ({ id: question, cluster: clip, value: probability })),
  },
  {
    key: "sensitivity",
    title: "Sensitivity",
    what: "accuracy on event questions with other frames frozen, minus that without the event",
    values: (measures) =>
      aboutEvents(measures).flatMap(({ question, clip, absent, control }) =>
        absent === null || control === null ? [] : [{ id: question, cluster: clip, value: control - absent }],
      ),
  },
  {
    key: "accuracy",
    title: "Accuracy on all questions",
    what: "closed questions about events, actors and the camera",
    values: ({ asked }) =>
      asked.map(({ question, clip, complete }) => ({ id: question, cluster: clip, value: complete })),
  },
];

const ofFragments = (
  key: string,
  title: string,
  what: string,
  value: (asked: AskedFragment) => number,
  tasks?: readonly string[],
): Endpoint => ({
  key,
  title,
  what,
  values: ({ fragments = [] }) =>
    fragments.flatMap((asked) =>
      tasks?.includes(asked.task) === false
        ? []
        : [{ id: asked.question, cluster: asked.clip, value: value(asked) }],
    ),
});

const order = ["disorder", "rearrangement"] as const;
const seen = ({ right }: AskedFragment): number => right;
const repeated = (asked: AskedFragment): number => asked.repeated;

/** What studies with fragment tasks are compared by besides. */
const fragmentEndpoints: readonly Endpoint[] = [
  ofFragments(
    "fragments",
    "Fragment tasks",
    "held-out fragment questions of all tasks answered exactly",
    seen,
  ),
  ofFragments("disorder", "Disorder", "whether three frames must be reordered; chance 50 %", seen, [
    "disorder",
  ]),
  ofFragments(
    "rearrangement",
    "Rearrangement",
    "the order of three frames, exactly; chance 20 %. Motion of this world runs either way, so 60 % is what can be known",
    seen,
    ["rearrangement"],
  ),
  ofFragments(
    "orderRepeated",
    "Both, one picture repeated",
    "the control: disorder and rearrangement with one picture in the place of all",
    repeated,
    order,
  ),
];

/** The endpoints of a study. */
export const endpointsOf = ({ fragments }: Pick<ReproStudy, "fragments">): readonly Endpoint[] =>
  fragments === undefined ? endpoints : [...endpoints, ...fragmentEndpoints];

/** The first arm's values minus the second's, of what both have. */
export const pairedValues = (endpoint: Endpoint, of: Measures, against: Measures): ClusteredValue[] => {
  const other = new Map(endpoint.values(against).map(({ id, value }) => [id, value]));
  return endpoint.values(of).flatMap(({ id, cluster, value }) => {
    const before = other.get(id);
    return before === undefined ? [] : [{ cluster, value: value - before }];
  });
};
