// npm test: everything that must hold, without Python.
import { runChecks } from "./checks.ts";
import { addCounts, conclude, runInLanes } from "./vitest-projects.ts";

const checks = await runChecks();
const whole = await runInLanes(["golden", "e2e"]);
process.exitCode = conclude(addCounts(checks, whole));
