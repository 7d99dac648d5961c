import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { parseParams, splitName } from "../../../src/core/named-params.ts";

test("a name ends at its first colon", () => {
  expect(splitName("motion")).toEqual({ name: "motion", argument: "" });
  expect(splitName("blip2:http://host:80")).toEqual({ name: "blip2", argument: "http://host:80" });
});

const written = fc.oneof(
  fc.boolean().map((value) => ({ value, schema: z.boolean().default(true) })),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((number) => ({ value: number === 0 ? 0 : number, schema: z.number().optional() })),
  // Texts that look like something else stay texts; a comma is part of a value unless `key=` follows.
  fc
    .oneof(fc.constantFrom("true", "7", "1e3", "null", "a,b", "1,2"), fc.stringMatching(/^[a-z/:=. ]*$/))
    .map((value) => ({ value, schema: z.string().nullable().default("") })),
  fc.array(fc.integer(), { maxLength: 3 }).map((value) => ({ value, schema: z.array(z.number()) })),
);

test("any parameters come back as they were written, in the types of the schema", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[A-Za-z]\w*$/), written, { minKeys: 1 }), (params) => {
      const entries = Object.entries(params);
      const text = entries.map(([key, { value }]) => {
        return `${key}=${typeof value === "object" ? JSON.stringify(value) : value}`;
      });
      const schema = z.strictObject(Object.fromEntries(entries.map(([key, one]) => [key, one.schema])));
      expect(parseParams(text.join(","), schema, "it")).toEqual(
        Object.fromEntries(entries.map(([key, { value }]) => [key, value])),
      );
    }),
  );
});

test("a lone value sets the main parameter, and needs one", () => {
  const schema = z.strictObject({ reach: z.number(), url: z.string() });
  expect(parseParams("0.25", schema, "it", "reach")).toEqual({ reach: 0.25 });
  expect(parseParams("http://x?y=1,2", schema, "it", "url")).toEqual({ url: "http://x?y=1,2" });
  expect(parseParams("4", schema, "it", "url")).toEqual({ url: "4" });
  expect(() => parseParams("x", schema, 'extractor "a"')).toThrow('extractor "a" takes no argument; got x');
});

test("what cannot be read is left for the schema to refuse", () => {
  const schema = z.strictObject({ reach: z.number(), on: z.boolean() });
  expect(parseParams("reach=far,on=yes", schema, "it")).toEqual({ reach: "far", on: "yes" });
  expect(parseParams("reach=", schema, "it")).toEqual({ reach: "" });
  expect(parseParams("constructor=1", schema, "it")).toEqual({ constructor: "1" });
});
