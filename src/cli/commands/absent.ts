import { scoreMeaning } from "../../absent/score-meaning.ts";
import { type WrittenPairJob, writePairOfFile } from "../../jobs/write-pair.ts";
import { builderOption, type ClipOptions, chosenPair, clipOptions, inPercent } from "../clip-options.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { integerValue } from "../option-values.ts";
import { chosenClips } from "../video-options.ts";

interface AbsentOptions extends ClipOptions {
  readonly out: string;
  readonly virtual?: boolean;
  readonly force?: boolean;
  readonly seed: number;
}

const decibels = (psnr: number | null): string => (psnr === null ? "identical" : `${psnr.toFixed(1)} dB`);

const nothingWarning =
  "nothing to take away, both clips show the same; try another --fps, --relevance or --builder";

/** What was made, in lines for a person. */
const described = ({ made, written, replacedShare }: WrittenPairJob): string[] => {
  const { pair, files, fidelity } = written;
  const [keys, scored] = [made.keyPositions.length, pair.timeline.length];
  return [
    `keywords: ${pair.keywords.join(", ") || "(none)"}`,
    `relevance: ${scoreMeaning(pair.relevance.name, made.relevance)}`,
    `key frames: ${keys} of ${scored} scored (${inPercent(keys / scored)})`,
    `replaced: ${pair.replacements.length} of the clip's ${made.source.timeline.length} frames (${inPercent(replacedShare)})`,
    ...(fidelity === undefined
      ? []
      : [
          `PSNR to the source: complete ${decibels(fidelity.completePsnr)}, absent ${decibels(fidelity.absentPsnr)}; untouched frames of both: ${decibels(fidelity.untouchedPsnr)}`,
        ]),
    ...files,
  ];
};

/** The command. */
const absent: CommandDefinition = defineCommand({
  summary: "a clip and its twin without the decisive frames",
  configure: (command) => {
    clipOptions(command);
    builderOption(command, "how frames are taken away")
      .option("--virtual", "write pair.json and sheet.png only; the twin is read through the replacements")
      .option("--seed <number>", "for builders that draw", integerValue(), 0)
      .option("--force", "overwrite another pair that is in the folder")
      .requiredOption("--out <folder>", "where the pair goes");
  },
  run: async (args, raw, context) => {
    const options = raw as unknown as AbsentOptions;
    const job = {
      file: args[0] as string,
      request: chosenPair(options, options.seed),
      clips: chosenClips(raw),
      out: options.out,
      virtual: options.virtual === true,
      force: options.force === true,
    };
    const result = await writePairOfFile(job, context);
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
