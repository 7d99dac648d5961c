// npm run test:oracle: compares with PyTorch, transformers, peft, Pillow and PyAV. Tests find the interpreter in
// VIDEOPERCEIVER_ORACLE_PYTHON, the folder with transformers 4.49 in VIDEOPERCEIVER_ORACLE_LEGACY and the one with other
// projects' trainers in VIDEOPERCEIVER_ORACLE_TRAINERS. Last, where the machine has what it takes (vllm-room.ts), a real vLLM,
// whose environment (6 GB) is made and whose interpreter stands in VIDEOPERCEIVER_ORACLE_VLLM; VIDEOPERCEIVER_VLLM=0: not
// that. With --prepare the Python environments are made and nothing is tested.
import { oracleEnvironment, trainersFolder, vllmPython } from "./oracle-environment.ts";
import { addCounts, conclude, runInLanes, runProjectsWithin, type TestCounts } from "./vitest-projects.ts";
import { machineFacts, secondsLeft, vllmDelay } from "./vllm-room.ts";

const what = "roll-outs through vLLM";

/** Tests a real vLLM, within what is left of this run. */
const testVllm = async (): Promise<TestCounts | string> => {
  if (process.env["VIDEOPERCEIVER_VLLM"] === "0") return "VIDEOPERCEIVER_VLLM=0";
  const vllm = vllmPython();
  if (typeof vllm === "string") return vllm;
  const delay = vllmDelay(machineFacts("."));
  if (delay !== undefined) return delay;
  const left = secondsLeft();
  const counts = await runProjectsWithin(left, ["vllm"], { VIDEOPERCEIVER_ORACLE_VLLM: vllm.python });
  return counts ?? `not over within the ${Math.round(left!)} s that were left of this run`;
};

const environment = oracleEnvironment();
const trainers = typeof environment === "string" ? environment : trainersFolder();
if (process.argv.includes("--prepare")) {
  const isWanted = typeof environment !== "string" && process.env["VIDEOPERCEIVER_VLLM"] !== "0";
  const vllm = isWanted ? vllmPython() : undefined;
  if (typeof trainers === "string") console.log(trainers);
  if (typeof vllm === "string") console.log(`no ${what}: ${vllm}`);
} else if (typeof environment === "string") {
  console.log(`\nSKIPPED: every oracle test: ${environment}\n`);
  console.log("0 passed, 0 failed");
} else {
  if (typeof trainers === "string") console.log(`\nSKIPPED: exports loaded by trainers: ${trainers}\n`);
  const counts = await runInLanes(["oracle"], {
    VIDEOPERCEIVER_ORACLE_PYTHON: environment.python,
    VIDEOPERCEIVER_ORACLE_LEGACY: environment.legacyPath,
    ...(typeof trainers !== "string" && { VIDEOPERCEIVER_ORACLE_TRAINERS: trainers.path }),
  });
  const vllm = await testVllm();
  if (typeof vllm === "string") console.log(`\nSKIPPED: ${what}: ${vllm}\n`);
  const leftOut = { passed: 0, failed: 0, skipped: [`${what}: ${vllm}`] };
  process.exitCode = conclude(addCounts(counts, typeof vllm === "string" ? leftOut : vllm));
}
