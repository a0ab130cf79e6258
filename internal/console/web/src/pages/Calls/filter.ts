// What of the history is shown. All of it is in the address, so that it can be kept as a bookmark.
import { liveStates } from "../../lib/types/call";

/** Filter is what GET /v1/calls can be asked for; texts are as typed. */
export interface Filter {
  number: string;
  account: string;
  door: string;
  disposition: string;
  /** A state, or one of the groups waiting, live, over; "" = any. */
  state: string;
  batch: string;
  principal: string;
  reference: string;
  /** today, yesterday, week (the last 7 days), range, or "" = any time. */
  when: string;
  /** Local times as the browser's field writes them, if when is range; "" = open. */
  from: string;
  to: string;
  /** oldest first; "" = newest first. */
  order: string;
}

const texts = ["number", "account", "door", "disposition", "state", "batch", "principal", "reference", "when", "from", "to", "order"] as const;

/** Groups of states that are asked for together. */
export const groups: Record<string, string[]> = {
  waiting: ["scheduled", "queued", "waiting-retry"],
  live: liveStates,
  over: ["ended", "cancelled"],
};

/** Dispositions as the API names them, with words. */
export const dispositions = [
  ["ANSWERED", "answered"],
  ["NO ANSWER", "no answer"],
  ["BUSY", "busy"],
  ["FAILED", "failed"],
  ["CONGESTION", "congestion"],
  ["CANCELLED", "cancelled"],
  ["INTERRUPTED", "interrupted by a stop of the server"],
] as const;

/** filterOf reads a filter from the query of the page. */
export function filterOf(q: URLSearchParams): Filter {
  const f = Object.fromEntries(texts.map((t) => [t, q.get(t) ?? ""])) as unknown as Filter;
  if (f.when === "" && (f.from !== "" || f.to !== "")) f.when = "range";
  return f;
}

/** pageQuery writes it for the address of the page. */
export function pageQuery(f: Filter): Record<string, string> {
  const q = Object.fromEntries(texts.map((t) => [t, f[t].trim()]));
  if (f.when !== "range") q.from = q.to = "";
  return q;
}

/** apiQuery writes it for the server; times that cannot be read are left out. */
export function apiQuery(f: Filter, now = new Date()): Record<string, string> {
  const { when: _when, ...q } = pageQuery(f);
  const [from, to] = span(f, now);
  return { ...q, state: (groups[f.state] ?? (f.state === "" ? [] : [f.state])).join(","), from, to };
}

/** narrowed says whether anything but the order is chosen. */
export function narrowed(f: Filter): boolean {
  return texts.some((t) => t !== "order" && f[t].trim() !== "");
}

function span(f: Filter, now: Date): [from: string, to: string] {
  const midnight = (days: number): string => new Date(now.getFullYear(), now.getMonth(), now.getDate() - days).toISOString();
  switch (f.when) {
    case "today":
      return [midnight(0), ""];
    case "yesterday":
      return [midnight(1), midnight(0)];
    case "week":
      return [midnight(6), ""];
    case "range":
      return [instant(f.from), instant(f.to)];
  }
  return ["", ""];
}

function instant(local: string): string {
  const d = new Date(local);
  return local === "" || Number.isNaN(d.getTime()) ? "" : d.toISOString();
}
