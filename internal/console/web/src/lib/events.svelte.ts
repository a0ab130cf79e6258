// The event stream of the server (GET /v1/events), shared by all that is on the page. It goes on
// after the last event seen when the connection is lost, and tells who listens when
// events are gone for good, so that they read their state anew.
import { url } from "./api";
import { session } from "./session.svelte";

/** CallEvent is one thing that happened to a call (package call, Event). */
export interface CallEvent {
  seq: number;
  at: string;
  type: string;
  call: string;
  attempt?: number;
  state: string;
  leg?: string;
  channel?: string;
  text?: string;
  due_at?: string;
  cdr?: Record<string, unknown>;
  failure?: Record<string, unknown>;
  account?: string;
  batch?: string;
  reference?: string;
}

/** What a listener is told. */
export interface Listener {
  event(e: CallEvent): void;
  /** Events were lost: what is shown may be wrong until it is read again. */
  lost(): void;
}

type Status = "connecting" | "live" | "broken";

// The browser's own pause between attempts is longer, and it gives up on some errors.
const pauses = [500, 1000, 2000, 4000, 8000];

class Stream {
  /** live: what is shown is what is. */
  status = $state<Status>("connecting");
  /** When the stream broke; undefined while it is live. */
  since = $state<Date | undefined>(undefined);
  #listeners = new Set<Listener>();
  #source: EventSource | undefined;
  #after = -1;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** listen adds a listener; the result removes it. The stream opens with the first one. */
  listen(l: Listener): () => void {
    this.#listeners.add(l);
    if (this.#source === undefined && this.#timer === undefined) this.#open();
    return () => {
      this.#listeners.delete(l);
      if (this.#listeners.size > 0) return;
      this.#close();
      this.status = "connecting"; // whoever comes next begins anew
      this.#after = -1;
      this.#failures = 0;
    };
  }

  /** retry connects at once. */
  retry(): void {
    if (this.status === "live") return;
    this.#close();
    this.#open();
  }

  #open(): void {
    this.#timer = undefined;
    const after = this.#after >= 0 ? this.#after : undefined;
    const source = new EventSource(url("/v1/events", { after }));
    this.#source = source;
    source.onopen = () => {
      const again = this.#failures > 0;
      this.#failures = 0;
      this.status = "live";
      this.since = undefined;
      if (again && this.#after < 0) this.#lost(); // nothing seen yet, so there is nothing to go on from
    };
    source.onerror = () => this.#broke(source);
    source.addEventListener("lost", (m) => {
      const { oldest } = JSON.parse((m as MessageEvent<string>).data) as { oldest: number };
      this.#after = oldest - 1;
      this.#lost();
    });
    source.addEventListener("bye", () => this.#broke(source)); // the server stops, or restarts
    for (const type of eventTypes) {
      source.addEventListener(type, (m) => this.#take(JSON.parse((m as MessageEvent<string>).data) as CallEvent));
    }
  }

  #take(e: CallEvent): void {
    this.#after = e.seq;
    for (const l of this.#listeners) l.event(e);
  }

  #lost(): void {
    for (const l of this.#listeners) l.lost();
  }

  #broke(source: EventSource): void {
    if (source !== this.#source) return;
    this.#close();
    this.status = "broken";
    this.since ??= new Date();
    const pause = pauses[Math.min(this.#failures, pauses.length - 1)] ?? 8000;
    this.#failures++;
    this.#timer = setTimeout(() => {
      // A stream does not say why it was refused; an ended session is one reason.
      void session.check();
      this.#open();
    }, pause);
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#source?.close();
    this.#source = undefined;
  }
}

// Package call, EventTypes. One that is missing here is not shown at once.
const eventTypes = [
  "call.accepted",
  "call.due",
  "attempt.started",
  "leg.ringing",
  "leg.progress",
  "leg.answered",
  "call.confirming",
  "call.connecting",
  "leg.b.ringing",
  "leg.b.progress",
  "call.connected",
  "leg.held",
  "leg.resumed",
  "attempt.ended",
  "call.retry",
  "call.cancelled",
  "call.expired",
  "call.ended",
];

export const stream = new Stream();
