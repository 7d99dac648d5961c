import { ConfigError } from "../../core/errors.ts";
import { type Diagnosis, examineEngine } from "../../jobs/engine/doctor.ts";
import { installEnvironment } from "../../jobs/engine/install.ts";
import { measureRates } from "../../jobs/engine/measure-rates.ts";
import type { MeasuredRates } from "../../jobs/train/machine-rates.ts";
import { type CommandDefinition, type CommandResult, defineCommand } from "../command.ts";
import { integerValue } from "../option-values.ts";

interface EngineCommandOptions {
  readonly python?: string;
  readonly threads: number;
  readonly out?: string;
}

const rated = (rates: MeasuredRates, out: string): CommandResult => {
  const { machine, operationsPerSecond, bytesPerSecond, secondsPerCall, measured } = rates;
  return {
    json: rates,
    text: [
      `${machine}: ${(operationsPerSecond / 1e9).toPrecision(3)}e9 operations and ${(bytesPerSecond / 1e9).toPrecision(3)}e9 bytes a second, ${(secondsPerCall * 1000).toPrecision(2)} ms a call`,
      ...measured.map(
        ({ name, seconds, expectedSeconds }) =>
          `${name}: ${seconds.toPrecision(3)} s, by these rates ${expectedSeconds.toPrecision(3)} s`,
      ),
      `videoperceiver plan RECIPE --rates ${out} ...`,
    ].join("\n"),
  };
};

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
  summary: "the Python side of --engine torch: install it, see whether it computes, or how fast",
  configure: (cli) => {
    cli
      .argument(
        "<action>",
        "install: a virtual environment of its own (5 GB); doctor: versions, device, self-test; rates: how fast it computes here, for `plan --rates`",
      )
      .argument("<engine>", "torch")
      .option("--python <path>", "install: made with it; doctor, rates: used instead of the environment")
      .option("--threads <count>", "threads of the self-test, of rates", integerValue({ min: 1 }), 1)
      .option("--out <file>", "rates: where they are written");
  },
  run: async ([action, engine], raw, context) => {
    const { python, threads, out } = raw as unknown as EngineCommandOptions;
    if (engine !== "torch")
      throw new ConfigError("an engine without a Python side", {
        expected: "torch, and an interpreter by --python PATH",
        got: String(engine),
      });
    if (action === "doctor") return diagnosed(await examineEngine(python, threads, context));
    if (action === "rates") {
      if (out === undefined) throw new ConfigError("no place for the rates", { expected: "--out FILE" });
      return rated(await measureRates({ python, threads, out }, context), out);
    }
    if (action !== "install")
      throw new ConfigError("nothing to do with an engine", {
        expected: "install, doctor or rates",
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
