// Where the live calls come from: the API of the server.
import { get, send } from "../../lib/api";
import type { CallEvent } from "../../lib/events.svelte";
import type { Call, Stats } from "../../lib/types/call";
import type { Source } from "./livecalls.svelte";

const pause = 100; // ms between two changes of what is shown: eyes need no more
const hiddenPause = 500; // the same where nobody sees it
let last = 0;

/** source asks the server. */
export const source: Source = {
  async stats(signal) {
    const r = await send("GET", "/v1/stats", { signal });
    const stats = (await r.json()) as Stats;
    const clock = Date.parse(r.headers.get("Date") ?? "");
    return { stats, skew: Number.isNaN(clock) ? 0 : clock - Date.now() };
  },
  calls: (query, signal) => get("/v1/calls", query, signal),
  call: (id, signal) => get<Call>(`/v1/calls/${encodeURIComponent(id)}`, undefined, signal),
  async events(id, signal) {
    return (await get<{ events: CallEvent[] | null }>(`/v1/calls/${encodeURIComponent(id)}/events`, undefined, signal)).events ?? [];
  },
  frame(f) {
    const wait = last + pause - performance.now();
    const next = (): void => {
      last = performance.now();
      f();
    };
    // A page in the background gets no frames.
    if (document.hidden) setTimeout(next, hiddenPause);
    else if (wait > 0) setTimeout(() => (document.hidden ? next() : requestAnimationFrame(next)), wait);
    else requestAnimationFrame(next);
  },
};
