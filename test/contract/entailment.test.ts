import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ConfigError } from "../../src/core/errors.ts";
import type { EntailmentModel } from "../../src/grading/entailment.ts";
import { entailmentProviders } from "../../src/grading/entailment-providers.ts";
import { answerQuality } from "../../src/objectives/quality.ts";

/** What the stand-in server answers: a status with a text, or nothing at all. */
type Answer = { readonly status: number; readonly text: string } | "silence";
const json = (value: unknown): Answer => ({ status: 200, text: JSON.stringify(value) });
const goodInfo = json({ protocol: "videoperceiver/entailment@1", model: "stand-in", version: "1" });
const one = (probability: unknown): Answer => json({ probabilities: [probability] });

let server: Server;
let url: string;
let info: Answer;
let entail: (body: { pairs: { premise: string; hypothesis: string }[] }) => Answer;
let asked: string[];
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => {
      body += piece.toString();
    });
    request.on("end", () => {
      asked.push(`${request.method} ${request.url}`);
      const answer = request.url === "/info" ? info : entail(JSON.parse(body));
      if (answer !== "silence") response.writeHead(answer.status).end(answer.text);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  info = goodInfo;
  entail = ({ pairs }) => one(pairs[0]!.premise.includes(pairs[0]!.hypothesis) ? 0.9 : 0.1);
});

const provider = async (text: string): Promise<EntailmentModel> =>
  (await entailmentProviders.choose(text)).value;
const http = (more = ""): Promise<EntailmentModel> => provider(`http:url=${url}${more}`);

test("every provider is known by its file; a wrong name names the nearest", async () => {
  expect(entailmentProviders.names()).toEqual(["http", "nli", "words"]);
  await expect(provider("nlli:x")).rejects.toThrow('did you mean "nli"?');
});

describe.each(["words", "http"])("%s", (name) => {
  test("gives the same probability for the same texts, in [0, 1], whatever they are", async () => {
    const model = await (name === "http" ? http() : provider(name));
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (premise, hypothesis) => {
        const probability = await model.entails(premise, hypothesis);
        expect(probability).toBeGreaterThanOrEqual(0);
        expect(probability).toBeLessThanOrEqual(1);
        expect(await model.entails(premise, hypothesis)).toBe(probability);
      }),
      { numRuns: 25 },
    );
  });
});

describe("http", () => {
  test("asks what the server is once, then for every pair; the direction decides which is the premise", async () => {
    const model = await http();
    const open = { answerKind: "open", answer: "red disc hops" } as const;
    expect(await answerQuality(open, "the red disc hops twice", model)).toBe(0.9);
    expect(await answerQuality(open, "the red disc hops twice", model, "supported-by-reference")).toBe(0.1);
    expect(await answerQuality(open, "the red disc hops twice", model, "mean")).toBe(0.5);
    expect(asked).toEqual(["GET /info", ...new Array<string>(4).fill("POST /entail")]);
    expect(await answerQuality(open, " ", model)).toBe(0);
  });
  test.each([
    [
      "another protocol",
      json({ protocol: "x", model: "m", version: "1" }),
      one(1),
      /not an entailment server.*\/info/,
    ],
    ["no JSON", goodInfo, { status: 200, text: "hello" }, /answered no JSON.*\/entail.*got hello/],
    ["too many numbers", goodInfo, json({ probabilities: [0.1, 0.2] }), /bad answer.*one probability/],
    ["none", goodInfo, json({ probabilities: [] }), /bad answer.*one probability/],
    ["no probability", goodInfo, one(1.5), /bad answer.*0 to 1/],
    ["a text", goodInfo, one("high"), /bad answer/],
    ["another shape", goodInfo, json([1]), /bad answer/],
    ["a refusal", goodInfo, { status: 400, text: "made up" }, /refused.*HTTP 400 made up/],
    ["failures for ever", goodInfo, { status: 503, text: "down" }, /refused.*HTTP 503 down/],
  ] as [string, Answer, Answer, RegExp][])("%s is one line", async (_, said, answer, message) => {
    info = said;
    entail = () => answer;
    await expect((await http()).entails("a", "b")).rejects.toThrow(message);
  });
  test("a busy server is asked again, a slow one is given up, one that is not there is said to be so", async () => {
    let tries = 0;
    entail = () => (tries++ < 2 ? { status: 429, text: "" } : one(0.25));
    expect(await (await http()).entails("a", "b")).toBe(0.25);
    entail = () => "silence";
    await expect((await http(",timeoutSeconds=0.2,attempts=1")).entails("a", "b")).rejects.toThrow(
      /cannot be reached.*no answer in 0.2 s.*docs\/entailment\.md/,
    );
    const nobody = await provider("http:http://127.0.0.1:9");
    await expect(nobody.entails("a", "b")).rejects.toThrow(ConfigError);
    // A server that comes up later is asked again.
    info = { status: 404, text: "not yet" };
    const patient = await http();
    await expect(patient.entails("a", "b")).rejects.toThrow(/HTTP 404/);
    info = goodInfo;
    entail = () => one(0.75);
    expect(await patient.entails("a", "b")).toBe(0.75);
  });
});

describe("nli", () => {
  test("needs a model, and says which file its folder lacks", async () => {
    await expect(provider("nli")).rejects.toThrow(/nli.*model/);
    await expect((await provider(`nli:${import.meta.dirname}`)).entails("a", "b")).rejects.toThrow(
      /model folder lacks a file.*config\.json/,
    );
  });
});
