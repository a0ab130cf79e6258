// The calls that are live now. The page begins with what GET /v1/stats and GET /v1/calls say and
// goes on with the event stream:
//
//	listen ─► stream is live ─► stats (last_seq) ─► live calls, all pages ─► events after last_seq
//	              ▲                                                              │
//	              └── stream lost, server restarted, events gone: read again ◄───┘
//
// Events are gathered and applied once per frame, so that fifty changes a second cost as much as
// one picture does. Calls that events name and the page does not know are fetched together.
import type { CallEvent, Listener } from "../../lib/events.svelte";
import { isLive, isOver, liveStates, type Call, type Stats } from "../../lib/types/call";
import { endOf, type End } from "../../lib/outcome";
import { LiveCall } from "./livecall.svelte";

/** Source is where the calls come from; tests have another one. */
export interface Source {
  /** Counts of the server, and its clock minus ours in ms. */
  stats(signal: AbortSignal): Promise<{ stats: Stats; skew: number }>;
  calls(query: { state: string[]; limit: number; cursor?: string }, signal: AbortSignal): Promise<{ calls: Call[] | null; next?: string }>;
  call(id: string, signal: AbortSignal): Promise<Call>;
  events(id: string, signal: AbortSignal): Promise<CallEvent[]>;
  /** Calls f before the next picture. */
  frame(f: () => void): void;
}

/** EndedCall is a call that has ended while the page was open, or shortly before. */
export interface EndedCall {
  id: string;
  first: string;
  second: string;
  at: number;
  end: End;
  state: string;
}

const page = 500; // calls per request
const keptEnded = 20;
const gather = 250; // ms in which unknown calls are gathered into one request
const pauses = [1000, 2000, 4000, 8000];

/** LiveCalls follows the live calls between start and stop. */
export class LiveCalls implements Listener {
  /** Changes when calls come and go; the calls themselves change by themselves. */
  version = $state(0);
  ready = $state(false);
  /** Why nothing can be shown, undefined while that is not so. */
  problem = $state<unknown>(undefined);
  ended = $state.raw<EndedCall[]>([]);
  stats = $state.raw<Stats | undefined>(undefined);
  /** When the server was found to have been restarted; 0 = it was not. */
  restartedAt = $state(0);
  /** Server's clock minus ours, ms. */
  skew = 0;
  readonly calls = new Map<string, LiveCall>();
  /** Told of every event once it is applied. */
  onevent: (e: CallEvent) => void = () => undefined;

  #queue: CallEvent[] = [];
  #framed = false;
  #reading = false;
  #again = false;
  #seq = -1; // events up to this one are in what was read
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unknown = new Map<string, CallEvent[]>(); // with what was said of them
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #ends = new Map<string, End>(); // of attempts, until their call ends or goes on
  #asked = new Set<string>(); // calls whose events are being fetched
  #stopped = new AbortController();

  constructor(private readonly source: Source) {}

  /** event gathers events for the next picture. */
  event(e: CallEvent): void {
    this.#queue.push(e);
    this.#plan();
  }

  /** lost: what is shown may be wrong. */
  lost(): void {
    void this.read();
  }

  /** stop ends all requests. */
  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    clearTimeout(this.#gathering);
  }

  /** read reads everything anew. The stream must be live by then, so that nothing is missed between the two. */
  async read(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    const signal = this.#stopped.signal;
    clearTimeout(this.#timer);
    this.#reading = true;
    try {
      const { stats, skew } = await this.source.stats(signal);
      const found: Call[] = [];
      let cursor: string | undefined;
      do {
        const p = await this.source.calls({ state: liveStates, limit: page, cursor }, signal);
        found.push(...(p.calls ?? []));
        cursor = p.next || undefined;
      } while (cursor !== undefined);
      if (!this.ready) await this.#readEnded(signal);
      this.#take(stats, skew, found);
    } catch (e) {
      if (signal.aborted) return;
      if (!this.ready) this.problem = e;
      this.#timer = setTimeout(() => void this.read(), pauses[Math.min(this.#failures++, pauses.length - 1)]);
    } finally {
      this.#reading = false;
    }
    if (this.#again && !signal.aborted) {
      this.#again = false;
      await this.read();
    }
    this.#plan();
  }

  /** count takes newer counts of the server. */
  count(stats: Stats): void {
    if (this.stats !== undefined && this.stats.started_at !== stats.started_at) this.restartedAt = Date.parse(stats.started_at);
    this.stats = stats;
  }

  #take(stats: Stats, skew: number, found: Call[]): void {
    this.count(stats);
    this.skew = Math.abs(skew) < 2000 ? 0 : skew;
    this.#seq = stats.last_seq;
    const ids = new Set(found.map((c) => c.id));
    for (const [id, row] of this.calls) {
      if (ids.has(id)) continue;
      this.calls.delete(id);
      row.state = "ended";
    }
    for (const c of found) this.#put(c);
    this.#failures = 0;
    this.problem = undefined;
    this.ready = true;
    this.version++;
  }

  #put(c: Call): void {
    const known = this.calls.get(c.id);
    if (known) known.read(c);
    else this.calls.set(c.id, new LiveCall(c));
  }

  async #readEnded(signal: AbortSignal): Promise<void> {
    const p = await this.source.calls({ state: ["ended", "cancelled"], limit: keptEnded }, signal);
    const ended = (p.calls ?? []).map(endedOf);
    this.ended = ended.sort((x, y) => y.at - x.at);
  }

  #plan(): void {
    if (this.#framed || this.#reading || !this.ready || this.#queue.length === 0) return;
    this.#framed = true;
    this.source.frame(() => {
      this.#framed = false;
      if (!this.#reading && !this.#stopped.signal.aborted) this.#flush();
    });
  }

  #flush(): void {
    const events = this.#queue;
    this.#queue = [];
    let moved = false;
    const ended: EndedCall[] = [];
    for (const e of events) {
      if (e.seq <= this.#seq) continue;
      this.#seq = e.seq;
      if (e.type === "attempt.ended") this.#ends.set(e.call, endOf(e));
      const row = this.calls.get(e.call);
      if (row) row.apply(e);
      if (isLive(e.state)) {
        if (!row) this.#unknown.set(e.call, [...(this.#unknown.get(e.call) ?? []), e]);
      } else {
        this.#unknown.delete(e.call);
        if (isOver(e.state)) {
          ended.unshift(this.#endOf(e, row));
          if (!row) this.#unknown.set(e.call, []); // over before it was known: its numbers are still to be fetched
        }
        this.#ends.delete(e.call);
        moved = this.calls.delete(e.call) || moved;
      }
      this.onevent(e);
    }
    if (ended.length > 0) this.ended = [...ended, ...this.ended].slice(0, keptEnded);
    if (moved) this.version++;
    if (this.#unknown.size > 0) this.#gather();
  }

  #endOf(e: CallEvent, row: LiveCall | undefined): EndedCall {
    const end = endOf(e, this.#ends.get(e.call));
    if (row) return { id: row.id, first: row.first, second: row.second, at: Date.parse(e.at), end, state: e.state };
    return { id: e.call, first: "", second: "", at: Date.parse(e.at), end, state: e.state };
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => void this.#fetchUnknown(), gather);
  }

  // New calls are the newest of the live ones: one page has them. Those that waited long before they were
  // dialled are not there and are asked for by their names.
  async #fetchUnknown(): Promise<void> {
    const signal = this.#stopped.signal;
    const wanted = this.#unknown;
    this.#unknown = new Map();
    try {
      if (wanted.size > page) return void this.read();
      const nameless = new Set(this.ended.filter((x) => x.first === "").map((x) => x.id));
      for (const [id, said] of wanted) if (said.length === 0 && !nameless.has(id)) wanted.delete(id);
      const live = [...wanted.values()].filter((said) => said.length > 0).length;
      const over = wanted.size - live;
      if (live > 0) await this.#find(wanted, liveStates, live * 2, signal);
      if (over > 0) await this.#find(wanted, ["ended", "cancelled"], keptEnded * 2, signal);
      const rest = [...wanted.keys()];
      for (let at = 0; at < rest.length; at += 4) {
        const some = await Promise.all(rest.slice(at, at + 4).map((id) => this.source.call(id, signal).catch(() => undefined)));
        for (const c of some) if (c) this.#meet(c, wanted.get(c.id) ?? []);
      }
      this.version++;
    } catch {
      if (!signal.aborted) for (const [id, said] of wanted) this.#unknown.set(id, [...said, ...(this.#unknown.get(id) ?? [])]);
    } finally {
      this.#gathering = undefined;
      if (this.#unknown.size > 0 && !signal.aborted) this.#gather();
    }
  }

  async #find(wanted: Map<string, CallEvent[]>, state: string[], limit: number, signal: AbortSignal): Promise<void> {
    const p = await this.source.calls({ state, limit: Math.max(20, limit) }, signal);
    for (const c of p.calls ?? []) {
      const said = wanted.get(c.id);
      if (said === undefined) continue;
      wanted.delete(c.id);
      this.#meet(c, said);
    }
  }

  // A call that was fetched may be over by what the stream says since: then its end is in ended.
  #meet(c: Call, said: CallEvent[]): void {
    const e = this.ended.find((x) => x.id === c.id);
    if (e === undefined) {
      if (!isLive(c.state)) return; // the stream is about to say so
      this.#put(c);
      for (const x of [...said, ...(this.#unknown.get(c.id) ?? [])]) this.calls.get(c.id)?.apply(x);
      this.#unknown.delete(c.id);
      return;
    }
    if (e.first !== "") return;
    const row = new LiveCall(c);
    this.ended = this.ended.map((x) => (x === e ? { ...e, first: row.first, second: row.second } : x));
  }

  /** begun asks when the calls of some rows came into their states, where no event has told. */
  async begun(rows: LiveCall[]): Promise<void> {
    const signal = this.#stopped.signal;
    const asked = rows.filter((r) => r.since === 0 && r.live && !this.#asked.has(r.id));
    for (const r of asked) this.#asked.add(r.id);
    const next = async (): Promise<void> => {
      for (let r = asked.pop(); r !== undefined; r = asked.pop()) {
        const row = r;
        const events = await this.source.events(row.id, signal).catch(() => []);
        if (row.since === 0) for (const e of events) if (isLive(e.state)) row.apply(e);
        this.#asked.delete(row.id);
      }
    };
    await Promise.all([next(), next(), next(), next()]);
  }
}

function endedOf(c: Call): EndedCall {
  const row = new LiveCall(c);
  const words = c.reason ?? "";
  const disposition = c.state === "cancelled" ? "CANCELLED" : (c.disposition ?? "");
  const end = endOf({ seq: 0, at: "", type: "call.ended", call: c.id, state: c.state, text: words }, { disposition, words });
  return { id: c.id, first: row.first, second: row.second, at: Date.parse(c.ended_at ?? c.created_at), end, state: c.state };
}
