import type { DatasetDescription } from "../dataset/schema.ts";
import type { WorldProfile } from "./profile.ts";

const range = ([low, high]: readonly [number, number]): string =>
  low === high ? `${low}` : `${low} to ${high}`;

/** `card.md` of a world: what it is, for whom, how it was made, what it must not be used for. */
export const worldCard = (description: DatasetDescription): string => {
  const { seed, count } = description.recipe.params as { seed: unknown; count: number };
  const profile = description.recipe.params["profile"] as WorldProfile;
  const skills = Object.entries(description.skills).map(([skill, number]) => `| ${skill} | ${number} |`);
  return `# Scripted world ${seed}, ${count} clips

Rendered clips of simple actors to which something short happens, with exactly known events, captions and questions.

- profile ${profile.name}, difficulty ${profile.difficulty}: ${range(profile.seconds)} s at ${profile.framesPerSecond} frames per second, ${profile.width} x ${profile.height} pixels, ${range(profile.actors)} actors
- events of ${range(profile.eventFrames)} frames: ${profile.kinds.join(", ")}
- ${description.counts.samples} samples, content ${description.contentHash}
- \`truth.jsonl\` holds every clip's complete plan; \`provenance\` of a sample holds seed, index, story and template

| skill | samples |
|---|---|
${skills.join("\n")}

Answers of closed questions are balanced by construction: a text-only majority answer is at chance. Frames outside of
an event's span are the same as though the event did not happen. Nothing in these clips is a recording of anything or
anyone; numbers measured here say nothing about real video by themselves.
`;
};
