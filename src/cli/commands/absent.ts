import { join } from "node:path";
import type { Pair } from "../../absent/pair.ts";
import { scoreMeaning } from "../../absent/score-meaning.ts";
import { twinRemarks } from "../../absent/twin-remarks.ts";
import { checkOutput } from "../../core/output-place.ts";
import { eachClip } from "../../jobs/each-clip.ts";
import { openChoices, type PairRequest } from "../../jobs/make-pair.ts";
import { folderNames, type NamedClip } from "../../jobs/named-clips.ts";
import { type WritePairJob, type WrittenPairJob, writePairOfFile } from "../../jobs/write-pair.ts";
import {
  builderOption,
  type ClipOptions,
  chosenNamedClips,
  chosenPair,
  clipOptions,
  failureLines,
  inPercent,
  relevanceOutlook,
  requestFor,
} from "../clip-options.ts";
import {
  type CommandContext,
  type CommandDefinition,
  type CommandResult,
  defineCommand,
} from "../command.ts";
import { integerValue, shareValue } from "../option-values.ts";
import { chosenClips } from "../video-options.ts";

interface AbsentOptions extends ClipOptions {
  readonly out: string;
  readonly virtual?: boolean;
  readonly force?: boolean;
  readonly seed: number;
  readonly sparsify?: number;
}

const decibels = (psnr: number | null): string => (psnr === null ? "identical" : `${psnr.toFixed(1)} dB`);

const nothingWarning =
  "nothing to take away, both clips show the same; try another --fps, --relevance or --builder";

/** Of frames that were chosen with the pair; no line without any. */
const chosenLine = ({ frames = [], sparsified }: Pair): string[] =>
  sparsified === undefined
    ? []
    : [
        `sparsified: ${frames.length} frames, ${inPercent(sparsified.keyShare)} in events or around key frames${sparsified.reached ? "" : " (the target cannot be reached)"}`,
      ];

/** What was made, in lines for a person. */
const described = ({ made, written }: WrittenPairJob): string[] => {
  const { pair, files, fidelity } = written;
  const [keys, scored] = [made.keyPositions.length, pair.timeline.length];
  return [
    `keywords: ${pair.keywords.join(", ") || "(none)"}`,
    `relevance: ${scoreMeaning(pair.relevance.name, made.relevance)}`,
    `key frames: ${keys} of ${scored} scored (${inPercent(keys / scored)})`,
    ...twinRemarks(made, written.view),
    ...chosenLine(pair),
    ...(fidelity === undefined
      ? []
      : [
          `PSNR to the source: complete ${decibels(fidelity.completePsnr)}, absent ${decibels(fidelity.absentPsnr)}; untouched frames of both: ${decibels(fidelity.untouchedPsnr)}`,
        ]),
    ...files,
  ];
};

/** One clip's line of many. */
const shortLine = (file: string, { made, written }: WrittenPairJob): string =>
  `${file}: ${twinRemarks(made, written.view).join("; ")}`;

/** A folder for each clip below the one that was named. */
const manyPairs = async (
  clips: readonly NamedClip[],
  request: PairRequest,
  how: Pick<WritePairJob, "clips" | "virtual" | "force" | "sparsify" | "out">,
  context: CommandContext,
): Promise<CommandResult> => {
  const names = folderNames(clips);
  await using choices = await openChoices(request);
  checkOutput(how.out, "folder");
  const { done, failed } = await eachClip(
    clips,
    "pairs",
    (clip, at, quiet) =>
      writePairOfFile(
        {
          ...how,
          choices,
          file: clip.file,
          request: requestFor(request, clip),
          out: join(how.out, names[at]!),
        },
        quiet,
      ),
    context,
  );
  const mean = done.reduce((sum, { result }) => sum + result.replacedShare, 0) / Math.max(1, done.length);
  return {
    json: {
      pairs: done.map(({ file, result: { written, replacedShare } }) => ({
        file,
        replacedShare,
        files: written.files,
      })),
      failed,
      meanReplacedShare: mean,
    },
    text: [
      ...done.map(({ file, result }) => shortLine(file, result)),
      `${done.length} pairs in ${how.out}; on average ${inPercent(mean)} of a clip replaced`,
      ...failureLines(failed),
    ].join("\n"),
    ...(failed.length > 0 && { exitCode: 1 }),
  };
};

const absent: CommandDefinition = defineCommand({
  summary: "a clip and its twin without the decisive frames",
  configure: (command) => {
    clipOptions(command);
    builderOption(command, "how frames are taken away")
      .option("--virtual", "write pair.json and sheet.png only; the twin is read through the replacements")
      .option("--seed <number>", "for builders that draw", integerValue(), 0)
      .option(
        "--sparsify <share>",
        "also choose frames of which about this share lies in the events, or around the key frames: pair.json names them in `frames`",
        shareValue,
      )
      .option("--force", "overwrite another pair that is in the folder")
      .requiredOption(
        "--out <folder>",
        "where the pair goes; of many clips, each into a folder of its own in there",
      );
  },
  run: async (args, raw, context) => {
    const options = raw as unknown as AbsentOptions;
    const request = chosenPair(options, options.seed);
    const { virtual = false, force = false, out } = options;
    const { sparsify } = options;
    const how = { clips: chosenClips(raw), virtual, force, ...(sparsify !== undefined && { sparsify }) };
    const { clips, one } = await chosenNamedClips((args[0] ?? []) as string[], options, context.warn);
    const outlook = await relevanceOutlook(request, clips, how.clips, options.dryRun === true, context);
    if (outlook !== undefined) return outlook;
    if (one === undefined) return manyPairs(clips, request, { ...how, out }, context);
    const result = await writePairOfFile({ ...how, file: one, request, out }, context);
    const { made, written, replacedShare } = result;
    const nothing = written.pair.replacements.length === 0;
    if (nothing && context.json) context.warn(nothingWarning);
    return {
      json: {
        pair: written.pair,
        ...(made.keywordUsage && { keywordUsage: made.keywordUsage }),
        files: written.files,
        keyFrameShare: made.keyFrameShare,
        replacedShare,
        unchanged: made.unchanged + written.unchanged,
        fidelity: written.fidelity ?? null,
      },
      text: [...(nothing ? [`warning: ${nothingWarning}`] : []), ...described(result)].join("\n"),
    };
  },
});

export default absent;
