import { expect, test } from "vitest";
import { planClip } from "../../../src/world/clip.ts";
import { worldProfile } from "../../../src/world/profile.ts";
import { ordinaryState } from "../../../src/world/state.ts";

/**
 * The question "which color does it ?" must not be answerable from a clip without its event. A model reached 84 % on
 * absent twins while only the event's actor was kept away from the middle.
 */
test("nothing about an actor's ordinary state tells whose event it is", () => {
  const profile = worldProfile("quickstart", 0);
  const counts = { clips: 0, farther: 0, lower: 0, larger: 0, first: 0, faster: 0, brighter: 0 };
  for (let index = 0; index < 1600; index++) {
    const plan = planClip(5, index, profile);
    if (plan.story !== "single") continue;
    const event = plan.events[0]!;
    const frame = (event.startFrame + event.endFrame - 1) / 2;
    const hero = plan.actors[event.actor]!;
    const other = plan.actors[1 - event.actor]!;
    const [own, others] = [ordinaryState(plan, hero, frame), ordinaryState(plan, other, frame)];
    const fromMiddle = ({ x, y }: { x: number; y: number }): number =>
      Math.hypot(x - plan.width / 2, y - plan.height / 2);
    counts.clips++;
    if (fromMiddle(own) > fromMiddle(others)) counts.farther++;
    if (Math.abs(own.y - plan.height / 2) > Math.abs(others.y - plan.height / 2)) counts.lower++;
    if (hero.radius > other.radius) counts.larger++;
    if (event.actor === 0) counts.first++;
    if (
      Math.hypot(hero.vx, hero.vy) + Math.abs(hero.amplitude) >
      Math.hypot(other.vx, other.vy) + Math.abs(other.amplitude)
    )
      counts.faster++;
    if (hero.levels[0] > other.levels[0]) counts.brighter++;
  }
  // A fair coin stays within 4 standard errors (0.056 at 1,280 clips); ties make "faster" and "brighter" a little smaller.
  for (const name of ["farther", "lower", "larger", "first"] as const)
    expect(Math.abs(counts[name] / counts.clips - 0.5), name).toBeLessThan(0.06);
  for (const name of ["faster", "brighter"] as const)
    expect(Math.abs(counts[name] / counts.clips - 0.47), name).toBeLessThan(0.09);
});
