// One call from the click to its end, as it happens.
import { get } from "../../lib/api";
import type { CallEvent, Listener } from "../../lib/events.svelte";
import { isOver, type Call, type Explanation } from "../../lib/types/call";
import { LiveCall } from "../Now/livecall.svelte";

/** Source is where a call is read; tests have another one. */
export interface Source {
  call(id: string, signal: AbortSignal): Promise<Call>;
  explain(id: string, signal: AbortSignal): Promise<Explanation>;
}

/** server reads from the server. */
export const server: Source = {
  call: (id, signal) => get<Call>(`/v1/calls/${encodeURIComponent(id)}`, undefined, signal),
  explain: (id, signal) => get<Explanation>(`/v1/calls/${encodeURIComponent(id)}/explain`, undefined, signal),
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
    } catch (e) {
      if (!this.#stop.signal.aborted) this.problem = e;
    }
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
