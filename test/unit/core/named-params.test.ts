import fc from "fast-check";
import { expect, test } from "vitest";
import { parseParams, splitName } from "../../../src/core/named-params.ts";

test("a name ends at its first colon", () => {
  expect(splitName("motion")).toEqual({ name: "motion", argument: "" });
  expect(splitName("blip2:http://host:80")).toEqual({ name: "blip2", argument: "http://host:80" });
});

test("any parameters come back as they were written", () => {
  const value = fc.oneof(
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
    fc.stringMatching(/^[a-z/:=.]*$/).filter((text) => text !== "true" && text !== "false"),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[A-Za-z]+$/), value, { minKeys: 1 }), (params) => {
      const written = Object.entries(params).map(([key, one]) => `${key}=${one}`);
      expect(parseParams(written.join(","), "it")).toEqual({ ...params });
    }),
  );
});

test("a lone value sets the main parameter, and needs one", () => {
  expect(parseParams("0.25", "it", "reach")).toEqual({ reach: 0.25 });
  expect(parseParams("http://x?y=1,2", "it", "url")).toEqual({ url: "http://x?y=1,2" });
  expect(() => parseParams("x", 'extractor "a"')).toThrow('extractor "a" takes no argument; got x');
  expect(() => parseParams("a=1,b", "it")).toThrow(
    "bad parameters for it; expected key=value,key=value; got b",
  );
});
