import { exportFormats } from "../../dataset/export.ts";
import { type ExportJob, exportDataset } from "../../jobs/export-dataset.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { chosenClips, videoOptions } from "../video-options.ts";

const exportCommand: CommandDefinition = defineCommand({
  summary: "a data set in the form that another project's trainer loads",
  configure: (command) => {
    command
      .argument("<dataset>", "data set folder, as build and world write it")
      .requiredOption(
        "--format <name[:key=value,...]>",
        `whose rows: ${exportFormats.names().join(", ")}; what each can be told is in docs/exports.md`,
      )
      .requiredOption("--out <folder>", "where they go; films are written there as well")
      .option("--resume", "go on with an export that was stopped; it does so without the flag as well")
      .option("--force", "replace an export that is in the folder");
    videoOptions(command);
  },
  run: async (args, raw, context) => {
    const { format, out, force } = raw as unknown as ExportJob;
    const reading = chosenClips(raw);
    const job = { dataset: args[0] as string, format, out, force: force === true, reading };
    const summary = await exportDataset(job, context);
    const { counts, splits } = summary;
    const missing = counts.leftOut === 0 ? "" : `; ${counts.leftOut} left out, see ${out}/left-out.jsonl`;
    return {
      json: { ...summary, folder: out },
      text: [
        `${counts.written} of ${counts.samples} samples for ${summary.format.name} (${splits.join(", ")})${missing}`,
        `${out}/README.md says how to train on them`,
      ].join("\n"),
    };
  },
});

export default exportCommand;
