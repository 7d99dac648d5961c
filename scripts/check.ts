// npm run check: what must hold before every commit, in under two minutes on two cores.
import { runChecks } from "./checks.ts";
import { conclude } from "./vitest-projects.ts";

process.exitCode = conclude(await runChecks());
