// npm test: everything that must hold, without Python. Heavy projects run one after the other: each of them keeps
// both cores busy, and two spinning thread pools do not share.
import { runChecks } from "./checks.ts";
import { addCounts, conclude, runProjects } from "./vitest-projects.ts";

const checks = await runChecks();
const golden = await runProjects(["golden"]);
const endToEnd = await runProjects(["e2e"]);
process.exitCode = conclude(addCounts(checks, golden, endToEnd));
