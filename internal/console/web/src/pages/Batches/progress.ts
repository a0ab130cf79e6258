// How far a batch is.
import type { Batch } from "../../lib/types/lists";

/** Part is a part of the bar of a batch. */
export interface Part {
  name: string;
  /** Name with a number, for people. */
  title: string;
  count: number;
  /** Of the whole bar, in percent. */
  share: number;
  kind: "good" | "warn" | "bad" | "busy" | "plain" | "rest";
}

const kinds: Record<string, [string, Part["kind"]]> = {
  ANSWERED: ["answered", "good"],
  "NO ANSWER": ["no answer", "warn"],
  BUSY: ["busy", "warn"],
  FAILED: ["failed", "bad"],
  CONGESTION: ["congestion", "bad"],
  INTERRUPTED: ["interrupted", "bad"],
};

/** parts gives the parts of the bar in their order, without empty ones. */
export function parts(b: Batch): Part[] {
  const list: [string, number, Part["kind"]][] = [];
  let told = 0;
  for (const [d, [name, kind]] of Object.entries(kinds)) {
    const n = b.dispositions[d] ?? 0;
    list.push([name, n, kind]);
    told += n;
  }
  list.push(["ended otherwise", Math.max(0, b.ended - told), "plain"]);
  list.push(["cancelled", b.cancelled, "plain"], ["live", b.live, "busy"], ["waiting", b.waiting, "rest"]);
  const all = list.reduce((sum, [, n]) => sum + n, 0);
  return list.filter(([, n]) => n > 0).map(([name, count, kind]) => ({ name, count, kind, share: (count * 100) / all, title: `${count.toLocaleString()} ${name}` }));
}

/** done gives how many percent of the calls are over, rounded down: 100 means all. */
export function done(b: Batch): number {
  return b.calls === 0 ? 0 : Math.floor(((b.ended + b.cancelled) * 100) / b.calls);
}

/** open says how many calls a cancellation concerns. */
export function open(b: Batch): number {
  return b.waiting + b.live;
}
