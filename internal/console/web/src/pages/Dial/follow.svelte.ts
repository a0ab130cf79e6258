// One call from the click to its end, as it happens.
import { get } from "../../lib/api";
import type { CallEvent, Listener } from "../../lib/events.svelte";
import { isOver, type Call, type Explanation } from "../../lib/types/call";
import { LiveCall } from "../Now/livecall.svelte";

/** Source is where a call is read; tests have another one. */
export interface Source {
  call(id: string, signal: AbortSignal): Promise<Call>;
  explain(id: string, signal: AbortSignal): Promise<Explanation>;
  /** What has happened to it, oldest first. */
  events(id: string, signal: AbortSignal): Promise<CallEvent[]>;
}

/** server reads from the server. */
export const server: Source = {
  call: (id, signal) => get<Call>(`/v1/calls/${encodeURIComponent(id)}`, undefined, signal),
  explain: (id, signal) => get<Explanation>(`/v1/calls/${encodeURIComponent(id)}/explain`, undefined, signal),
  async events(id, signal) {
    return (await get<{ events: CallEvent[] | null }>(`/v1/calls/${encodeURIComponent(id)}/events`, undefined, signal)).events ?? [];
  },
};

/** Follow follows a call. It is told events; read asks for all that they may have missed. */
export class Follow implements Listener {
  readonly row: LiveCall;
  call: Call = $state.raw({} as Call);
  /** Why it ended; undefined while it runs. */
  end = $state.raw<Explanation | undefined>(undefined);
  /** When the next attempt is due, of a call that waits. */
  dueAt = $state("");
  problem = $state<unknown>(undefined);
  #stop = new AbortController();
  #explaining = false;

  constructor(
    call: Call,
    private readonly source: Source = server,
  ) {
    this.row = new LiveCall(call);
    this.#take(call);
  }

  get over(): boolean {
    return this.end !== undefined || isOver(this.row.state);
  }

  event(e: CallEvent): void {
    if (e.call !== this.call.id || this.end !== undefined) return;
    this.row.apply(e);
    if (e.due_at) this.dueAt = e.due_at;
    if (isOver(e.state)) void this.#explain();
  }

  lost(): void {
    void this.read();
  }

  /** read asks the server how the call stands. */
  async read(): Promise<void> {
    if (this.end !== undefined) return;
    try {
      this.#take(await this.source.call(this.call.id, this.#stop.signal));
      this.problem = undefined;
      if (this.row.live && this.row.since === 0) await this.#begun();
    } catch (e) {
      if (!this.#stop.signal.aborted) this.problem = e;
    }
  }

  // Events that passed before anybody listened say since when the call is as it is.
  async #begun(): Promise<void> {
    const events = await this.source.events(this.call.id, this.#stop.signal);
    if (this.row.since !== 0 || !this.row.live) return; // the stream was faster
    for (const e of events) this.row.apply(e);
  }

  stop(): void {
    this.#stop.abort();
  }

  #take(c: Call): void {
    this.call = c;
    this.dueAt = c.due_at;
    this.row.read(c);
    if (isOver(c.state)) void this.#explain();
  }

  async #explain(): Promise<void> {
    if (this.#explaining || this.end !== undefined) return;
    this.#explaining = true;
    try {
      const end = await this.source.explain(this.call.id, this.#stop.signal);
      this.call = end.call;
      this.end = end;
    } catch (e) {
      if (!this.#stop.signal.aborted) this.problem = e;
    } finally {
      this.#explaining = false;
    }
  }
}
