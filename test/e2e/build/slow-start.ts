import { appendFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { defineRelevance, type RelevanceDefinition, relevanceProviders } from "videoperceiver/plugins";

const motion = await relevanceProviders.load("motion");

/** Motion, in a file that takes a worker a while to load; it says in a file of the test's that it has begun. */
const slowStart: RelevanceDefinition = defineRelevance({ ...motion, summary: "motion, but loaded slowly" });

if (process.argv[1]?.includes("worker-process") === true) {
  appendFileSync(process.env["SLOW_START_MARK"]!, `${process.pid}\n`);
  await wait(1500);
}

export default slowStart;
