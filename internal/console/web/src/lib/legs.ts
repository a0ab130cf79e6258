// What the two legs of a call do, told from the state of the call and the events of its legs.
import type { Call } from "./types/call";

/** What is known of the legs beyond the state of the call. */
export interface LegFacts {
  /** Leg B rings (leg.b.ringing was seen). */
  bRings: boolean;
  /** Leg that has put the call on hold: "a", "b" or "". */
  held: string;
}

/** One leg in words. */
export interface LegWords {
  text: string;
  /** It is this leg's turn: something happens there. */
  active: boolean;
}

const a: Record<string, LegWords> = {
  dialing: { text: "is dialled", active: true },
  ringing: { text: "rings", active: true },
  answered: { text: "has answered", active: true },
  confirming: { text: "is asked to press 1", active: true },
  connecting: { text: "waits for the other side", active: false },
  connected: { text: "is connected", active: true },
};

/** legs gives the words of leg A and leg B. */
export function legs(state: string, facts: LegFacts, then = "connect"): [LegWords, LegWords] {
  const first = a[state] ?? { text: "", active: false };
  let second: LegWords = { text: "", active: false };
  if (then === "connect") {
    if (state === "connecting") second = { text: facts.bRings ? "rings" : "is dialled", active: true };
    else if (state === "connected") second = { text: "is connected", active: true };
    else if (first.text !== "") second = { text: "comes next", active: false };
  } else if (state === "connected") {
    second = { text: "runs", active: true };
  }
  const hold = { text: "has put the call on hold", active: true };
  return [facts.held === "a" ? hold : first, facts.held === "b" ? hold : second];
}

/** second gives what the first party is connected with: a number, a place in the dialplan, an application. */
export function second(c: Pick<Call, "then" | "second" | "dialplan" | "application">): string {
  if (c.dialplan) return `dialplan ${c.dialplan.extension}@${c.dialplan.context}`;
  if (c.application) return `${c.then === "app" ? "ARI application" : "application"} ${c.application.name}`;
  return c.second ?? "";
}
