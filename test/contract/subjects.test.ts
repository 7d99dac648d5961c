import { describe, expect, test } from "vitest";
import { subjectRegistry } from "../../src/evaluation/subject.ts";

describe.each(subjectRegistry.names())("subject %s", (name) => {
  test("says what it is, takes the text behind its name, and refuses unknown parameters", async () => {
    const { summary, source, argument, params } = await subjectRegistry.load(name);
    expect([summary, source]).not.toContain("");
    expect(Object.keys(params.shape)).toContain(argument);
    await expect(subjectRegistry.choose(name)).rejects.toThrow(`bad parameters for subject "${name}"`);
    await expect(subjectRegistry.make(name, { [argument!]: "x", noSuchParameter: 1 })).rejects.toThrow(
      "noSuchParameter",
    );
  });
});

test("an endpoint needs an address and a model", async () => {
  for (const text of ["localhost:8000", "http://localhost:8000/v1", "http://localhost/v1#", "ftp://x/v1#m"])
    await expect(subjectRegistry.choose(`openai:${text}`)).rejects.toThrow("not an endpoint");
  await expect(subjectRegistry.choose("openai:http://localhost:8000/v1#org/model")).resolves.toMatchObject({
    recipe: { params: { endpoint: "http://localhost:8000/v1#org/model", concurrency: 8 } },
  });
});
