// npm run test:oracle: compares with PyTorch, transformers, peft, Pillow and PyAV. Tests find the interpreter in
// VIDEOPERCEIVER_ORACLE_PYTHON, the folder with transformers 4.49 in VIDEOPERCEIVER_ORACLE_LEGACY and the one with other
// projects' trainers in VIDEOPERCEIVER_ORACLE_TRAINERS. With --prepare the Python environment is made and nothing is tested.
import { oracleEnvironment, trainersFolder } from "./oracle-environment.ts";
import { conclude, runInLanes } from "./vitest-projects.ts";

const environment = oracleEnvironment();
const trainers = typeof environment === "string" ? environment : trainersFolder();
if (process.argv.includes("--prepare")) {
  if (typeof trainers === "string") console.log(trainers);
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
  process.exitCode = conclude(counts);
}
