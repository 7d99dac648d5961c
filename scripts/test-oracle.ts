// npm run test:oracle: compares with PyTorch, transformers, peft, Pillow and PyAV. Tests find the interpreter in
// VIDEOPERCEIVER_ORACLE_PYTHON, the folder with transformers 4.49 in VIDEOPERCEIVER_ORACLE_LEGACY and the one with other
// projects' trainers in VIDEOPERCEIVER_ORACLE_TRAINERS. With VIDEOPERCEIVER_VLLM=1 a real vLLM is tested too: its environment
// (6 GB) is made and its interpreter stands in VIDEOPERCEIVER_ORACLE_VLLM. With --prepare the Python environment is made and nothing is tested.
import { oracleEnvironment, trainersFolder, vllmPython } from "./oracle-environment.ts";
import { conclude, runInLanes } from "./vitest-projects.ts";

const environment = oracleEnvironment();
const trainers = typeof environment === "string" ? environment : trainersFolder();
const isAsked = process.env["VIDEOPERCEIVER_VLLM"] === "1" && typeof environment !== "string";
const vllm = isAsked ? vllmPython() : undefined;
if (process.argv.includes("--prepare")) {
  for (const one of [trainers, vllm]) if (typeof one === "string") console.log(one);
} else if (typeof environment === "string") {
  console.log(`\nSKIPPED: every oracle test: ${environment}\n`);
  console.log("0 passed, 0 failed");
} else {
  if (typeof trainers === "string") console.log(`\nSKIPPED: exports loaded by trainers: ${trainers}\n`);
  if (typeof vllm === "string") console.log(`\nSKIPPED: roll-outs through vLLM: ${vllm}\n`);
  const counts = await runInLanes(["oracle"], {
    VIDEOPERCEIVER_ORACLE_PYTHON: environment.python,
    VIDEOPERCEIVER_ORACLE_LEGACY: environment.legacyPath,
    ...(typeof trainers !== "string" && { VIDEOPERCEIVER_ORACLE_TRAINERS: trainers.path }),
    ...(typeof vllm === "object" && { VIDEOPERCEIVER_ORACLE_VLLM: vllm.python }),
  });
  process.exitCode = conclude(counts);
}
