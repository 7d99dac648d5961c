import { watchedResponse } from "./watched-response.ts";

/** `fetch` whose answers end with an error after `mostBytes`, so that no server can fill the memory. */
export const limitedFetch =
  (mostBytes: number): typeof fetch =>
  async (input, init) => {
    let read = 0;
    return watchedResponse(await fetch(input, init), (bytes) => {
      read += bytes;
      if (read > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    });
  };
