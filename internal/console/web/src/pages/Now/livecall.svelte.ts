// One call that is live now, as the page shows it.
import type { CallEvent } from "../../lib/events.svelte";
import { second } from "../../lib/legs";
import { isLive, isOver, type Call } from "../../lib/types/call";

/** LiveCall is one row. What never changes is plain, what events change is state of the page. */
export class LiveCall {
  readonly id: string;
  readonly first: string;
  readonly second: string;
  readonly then: string;
  readonly account: string;
  readonly by: string;
  readonly batch: string;
  readonly attempts: number;
  readonly #text: string;

  state = $state("");
  /** When it came into this state, ms since 1970 by the server's clock; 0 = not known yet. */
  since = $state(0);
  bRings = $state(false);
  held = $state("");

  constructor(c: Call) {
    this.id = c.id;
    this.first = c.first;
    this.second = second(c);
    this.then = c.then;
    this.account = c.account;
    this.by = c.principal ? `${c.door}, ${c.principal}` : c.door;
    this.batch = c.batch ?? "";
    this.attempts = c.max_attempts > 1 ? c.attempts : 0;
    this.state = c.state;
    this.#text = [c.first, this.second, c.first_dialled, c.second_dialled, c.account, c.principal, c.door, c.batch, c.reference, c.caller_id?.name, c.caller_id?.number, c.id]
      .filter((t) => t)
      .join("\n")
      .toLowerCase();
  }

  get live(): boolean {
    return isLive(this.state);
  }

  /** matches says whether all of some words (lower case) are in it. */
  matches(words: string[]): boolean {
    return words.every((w) => this.#text.includes(w));
  }

  /** read takes the state as the server gave it in a list; when it began is known only if it is the same. */
  read(c: Call): void {
    if (c.state === this.state) return;
    this.state = c.state;
    this.since = 0;
    this.bRings = false;
    this.held = "";
  }

  /** apply takes an event of this call. */
  apply(e: CallEvent): void {
    if (e.type === "leg.b.ringing") this.bRings = true;
    else if (e.type === "leg.held") this.held = e.leg || "a";
    else if (e.type === "leg.resumed") this.held = "";
    if (e.state === this.state && this.since !== 0) return;
    if (e.state === this.state && !begins(e)) return;
    if (isOver(e.state) || e.type === "attempt.started") this.held = "";
    if (e.type === "attempt.started") this.bRings = false;
    this.state = e.state;
    this.since = Date.parse(e.at) || 0;
  }
}

// The events that begin a state of a running attempt.
const beginnings = ["attempt.started", "leg.ringing", "leg.answered", "call.confirming", "call.connecting", "call.connected"];

function begins(e: CallEvent): boolean {
  return beginnings.includes(e.type);
}
