import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evaluateSubject } from "../../src/jobs/eval/eval.ts";
import type { EvalRequest } from "../../src/jobs/eval/request.ts";
import { generateWorld } from "../../src/world/generate.ts";
import { worldProfile } from "../../src/world/profile.ts";
import { mediaOf, type StandIn, startStandIn, textOf } from "../stand-in/openai-endpoint.ts";
import { quietContext, recordsOf, worldRequest } from "./eval-request.ts";

let folder: string;
let world: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "eval-costs-"));
  world = join(folder, "world");
  const profile = worldProfile("quickstart");
  await generateWorld({ count: 3, seed: "costs", profile, out: world, workers: 1 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const request = (standIn: StandIn, out: string, params: string, over: Partial<EvalRequest>): EvalRequest =>
  worldRequest(
    world,
    `openai:endpoint=${standIn.baseUrl}#viewer,backoffSeconds=0.01,attempts=1${params}`,
    join(folder, out),
    over,
  );

test.each(["images", "grid"])(
  "the tokens that are told before are those of the %s that are sent",
  async (pictures) => {
    await using standIn = await startStandIn({ answer: () => "B" });
    const asked = request(standIn, pictures, `,pictures=${pictures}`, { frames: 5, limit: 6 });
    const { estimate } = await evaluateSubject(asked, quietContext());
    let visual = 0;
    let words = 0;
    for (const one of standIn.requests) {
      words += textOf(one).length / 4;
      for (const url of mediaOf(one)) {
        const { width, height } = await sharp(Buffer.from(url.split(",")[1]!, "base64")).metadata();
        visual += Math.ceil((width * height) / 784);
      }
    }
    expect(standIn.requests.length).toBe(6);
    expect(mediaOf(standIn.requests[0]!).length).toBe(pictures === "grid" ? 1 : 5);
    const sent = visual + words;
    expect(Math.abs(estimate!.promptTokens - sent) / sent).toBeLessThan(0.05);
  },
);

test("answers that were asked again have no number of a scorer that is not named: told, and mended by naming it", async () => {
  const seen: number[] = [];
  const server = createServer(async (request, response) => {
    if (request.url === "/info")
      return void response.end(
        JSON.stringify({ protocol: "videoperceiver/text-scorer@1", name: "LENGTH", version: "1" }),
      );
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { items } = JSON.parse(Buffer.concat(pieces).toString()) as { items: { candidate: string }[] };
    seen.push(items.length);
    response.end(JSON.stringify({ scores: items.map(({ candidate }) => candidate.length) }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const length = `http:http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let broken = true;
  await using standIn = await startStandIn({
    answer: (one) => `A disc moves. ${textOf(one).length}`,
    trouble: ({ number }) => (broken && number === 1 ? "server-error" : undefined),
  });
  const warned: string[] = [];
  const context = { ...quietContext(), warn: (line: string) => void warned.push(line) };
  const asked = request(standIn, "scored", "", {
    benchmark: 'world:answerKinds=["open"]',
    scorers: [length],
  });
  const value = (
    {
      views,
    }: { readonly views: readonly { readonly metrics: readonly { name: string; value: unknown }[] }[] },
    name: string,
  ): unknown => views[0]!.metrics.find((one) => one.name === name)?.value;
  const first = await evaluateSubject(asked, context);
  const texts = (await recordsOf(asked.out)).length;
  expect([first.views[0]!.outcomes.failed, seen.reduce((a, b) => a + b, 0)]).toEqual([1, texts - 1]);
  expect(value(first, "external:LENGTH")).not.toBeNull();
  broken = false;
  const again = await evaluateSubject({ ...asked, scorers: ["events:words"], retryFailed: true }, context);
  expect([again.asked, value(again, "external:LENGTH")]).toEqual([1, null]);
  expect(value(again, "event-coverage:f1")).not.toBeNull();
  expect(warned).toEqual([
    expect.stringMatching(/^LENGTH: no number for 1 answers .* name its --scorer, too/),
  ]);
  seen.length = 0;
  const whole = await evaluateSubject(asked, context);
  expect([whole.asked, seen, warned.length]).toEqual([0, [1], 1]);
  for (const name of ["external:LENGTH", "event-coverage:f1"]) expect(value(whole, name)).not.toBeNull();
  server.closeAllConnections();
  server.close();
});
