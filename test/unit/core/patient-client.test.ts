import { expect, test } from "vitest";
import { UnusableAnswer } from "../../../src/core/endpoint.ts";
import { PatientClient, type PatientRules } from "../../../src/core/patient-client.ts";
import { type StandIn, startStandIn } from "../../stand-in/openai-endpoint.ts";

const clientOf = (standIn: StandIn, over: Partial<PatientRules> = {}): PatientClient =>
  new PatientClient({
    baseUrl: standIn.baseUrl,
    apiKey: undefined,
    attempts: 3,
    backoffSeconds: 0.001,
    deadlineSeconds: 0.4,
    requestsPerMinute: undefined,
    ...over,
  });
const question = (text: string) => ({ model: "tiny", messages: [{ role: "user" as const, content: text }] });
const whole = ({ text }: { readonly text: string }): string => text;

test("waiting for a turn under our own rate is not counted: nobody runs out of time before being asked", async () => {
  await using standIn = await startStandIn({ answer: () => "B" });
  const client = clientOf(standIn, { requestsPerMinute: 600, deadlineSeconds: 0.3 });
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, (_, i) => client.ask(question(`q${i}`), undefined, whole)),
  );
  expect(outcomes.map((one) => ("answer" in one ? one.answer : one.failure.reason))).toEqual(
    new Array(8).fill("B"),
  );
  // What was waited for is no latency either.
  expect(Math.max(...outcomes.map(({ milliseconds }) => milliseconds))).toBeLessThan(300);
});

test("a server's wait is not counted either, holds everybody back, and has a limit", async () => {
  await using standIn = await startStandIn({
    answer: () => "B",
    trouble: ({ number }) => (number === 0 ? "rate-limit" : undefined),
    retryAfterMilliseconds: 500,
  });
  const client = clientOf(standIn, { deadlineSeconds: 0.3 });
  const started = performance.now();
  const first = client.ask(question("first"), undefined, whole);
  while (standIn.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const second = client.ask(question("second"), undefined, whole);
  expect(await first).toMatchObject({ answer: "B", attempts: 2 });
  expect(await second).toMatchObject({ answer: "B", attempts: 1 });
  expect(performance.now() - started).toBeGreaterThan(490);
  await using strict = await startStandIn({
    answer: () => "B",
    trouble: () => "rate-limit",
    retryAfterMilliseconds: 90_000,
  });
  const refused = await clientOf(strict, { longestWaitSeconds: 60 }).ask(question("q"), undefined, whole);
  expect(refused).toMatchObject({ failure: { status: "rate-limited" }, attempts: 1 });
  expect("failure" in refused && refused.failure.reason).toContain("it asks for a wait of 90 s");
});

test("a server may say until when it wants to be left alone", async () => {
  await using standIn = await startStandIn({
    answer: () => "B",
    trouble: ({ number }) => (number === 0 ? "retry-date" : undefined),
  });
  const started = performance.now();
  const outcome = await clientOf(standIn, { deadlineSeconds: 0.3 }).ask(question("q"), undefined, whole);
  expect(outcome).toMatchObject({ answer: "B", attempts: 2 });
  // Two seconds ahead, cut to whole ones by the header.
  expect(performance.now() - started).toBeGreaterThan(900);
});

test("its own requests and the waits after failures are counted", async () => {
  await using slow = await startStandIn({ answer: () => "B", trouble: () => "hang" });
  expect(await clientOf(slow, { deadlineSeconds: 0.1 }).ask(question("q"), undefined, whole)).toMatchObject({
    failure: { status: "deadline", reason: "no answer in 0.1 s" },
    attempts: 1,
  });
  await using failing = await startStandIn({ answer: () => "B", trouble: () => "server-error" });
  const outcome = await clientOf(failing, { backoffSeconds: 60 }).ask(question("q"), undefined, whole);
  expect(outcome).toMatchObject({ failure: { status: "server-error" }, attempts: 1 });
  expect("failure" in outcome && outcome.failure.reason).toContain("the next try would come after 0.4 s");
});

test("what the reader cannot use is asked again, or not, as it says", async () => {
  await using standIn = await startStandIn({ answer: () => `answer ${standIn.requests.length}` });
  const picky = ({ text }: { readonly text: string }): string => {
    if (text.endsWith("1")) throw new UnusableAnswer("malformed", "not this one", true);
    if (text.endsWith("3")) throw new UnusableAnswer("empty", "never", false);
    return text;
  };
  expect(await clientOf(standIn).ask(question("q"), undefined, picky)).toMatchObject({
    answer: "answer 2",
    attempts: 2,
  });
  expect(await clientOf(standIn).ask(question("q"), undefined, picky)).toEqual({
    failure: { status: "empty", reason: "never" },
    attempts: 1,
    milliseconds: expect.any(Number),
  });
});

test("a person who stops is obeyed while a turn is awaited", async () => {
  await using standIn = await startStandIn({ answer: () => "B" });
  const client = clientOf(standIn, { requestsPerMinute: 1 });
  await client.ask(question("q"), undefined, whole);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 20);
  await expect(client.ask(question("q"), stop.signal, whole)).rejects.toThrow("abort");
  expect(standIn.requests.length).toBe(1);
});
