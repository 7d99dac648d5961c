import { ConfigError } from "../../core/errors.ts";
import { type Diagnosis, examineEngine } from "../../jobs/engine/doctor.ts";
import { installEnvironment } from "../../jobs/engine/install.ts";
import { type CommandDefinition, type CommandResult, defineCommand } from "../command.ts";
import { integerValue } from "../option-values.ts";

interface EngineCommandOptions {
  readonly python?: string;
  readonly threads: number;
}

const diagnosed = (diagnosis: Diagnosis): CommandResult => {
  const { python, findings, ok, seconds } = diagnosis;
  const width = Math.max(...findings.map(({ what }) => what.length));
  const bad = findings.filter((finding) => !finding.ok);
  return {
    json: diagnosis,
    text: [
      python,
      ...findings.map(
        ({ what, expected, got, ok: fine }) =>
          `${fine ? "ok  " : "FAIL"} ${what.padEnd(width)}  ${got}${fine ? "" : `, expected ${expected}`}`,
      ),
      ok
        ? `the engine torch computes (${seconds.toFixed(0)} s)`
        : `${bad.length} of ${findings.length} are not as they should be: videoperceiver engine install torch`,
    ].join("\n"),
    exitCode: ok ? 0 : 1,
  };
};

/** The command. */
const command: CommandDefinition = defineCommand({
  summary: "the Python side of --engine torch: install it, or see what is there and whether it computes",
  configure: (cli) => {
    cli
      .argument(
        "<action>",
        "install: a virtual environment of its own (5 GB); doctor: versions, device, self-test",
      )
      .argument("<engine>", "torch")
      .option("--python <path>", "install: made with it; doctor: looked at instead of the environment")
      .option("--threads <count>", "threads of the self-test", integerValue({ min: 1 }), 1);
  },
  run: async ([action, engine], raw, context) => {
    const { python, threads } = raw as unknown as EngineCommandOptions;
    if (engine !== "torch")
      throw new ConfigError("an engine without a Python side", {
        expected: "torch, and an interpreter by --python PATH",
        got: String(engine),
      });
    if (action === "doctor") return diagnosed(await examineEngine(python, threads, context));
    if (action !== "install")
      throw new ConfigError("nothing to do with an engine", {
        expected: "install or doctor",
        got: String(action),
      });
    const installed = await installEnvironment({ python }, context);
    const { isNew, seconds } = installed;
    return {
      json: installed,
      text: isNew
        ? `installed in ${seconds.toFixed(0)} s: ${installed.python}\ntry it: videoperceiver engine doctor torch`
        : `it is there already: ${installed.python}`,
    };
  },
});

export default command;
