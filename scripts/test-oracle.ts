// npm run test:oracle: compares with PyTorch, transformers, peft, Pillow and PyAV. Tests find the interpreter in
// VIDEOPERCEIVER_ORACLE_PYTHON and the folder with transformers 4.49 in VIDEOPERCEIVER_ORACLE_LEGACY. With --prepare the
// Python environment is made and nothing is tested.
import { oracleEnvironment } from "./oracle-environment.ts";
import { conclude, runInLanes } from "./vitest-projects.ts";

const environment = oracleEnvironment();
if (process.argv.includes("--prepare")) {
  if (typeof environment === "string") console.log(environment);
} else if (typeof environment === "string") {
  console.log(`\nSKIPPED: every oracle test: ${environment}\n`);
  console.log("0 passed, 0 failed");
} else {
  const counts = await runInLanes(["oracle"], {
    VIDEOPERCEIVER_ORACLE_PYTHON: environment.python,
    VIDEOPERCEIVER_ORACLE_LEGACY: environment.legacyPath,
  });
  process.exitCode = conclude(counts);
}
