// One page of the history. What is shown stays where it is: new calls are counted, and states of those shown
// are kept up with, by reading the page again now and then while something happens.
import type { Call } from "../../lib/types/call";

/** Answer of GET /v1/calls. */
export interface Answer {
  calls: Call[] | null;
  next?: string;
}

/** Reads a page; query has the filter, cursor and limit. */
export type Read = (query: Record<string, string>, signal: AbortSignal) => Promise<Answer>;

export const pageSize = 100;
const rest = 1500; // ms between two looks

/** CallList is the page that is shown. */
export class CallList {
  items = $state.raw<Call[]>([]);
  /** Cursor of the next page, "" = there is none. */
  next = $state("");
  ready = $state(false);
  busy = $state(false);
  /** Why the page could not be read. */
  error = $state.raw<unknown>(undefined);
  /** Why the last look failed: what is shown may be old. */
  old = $state.raw<unknown>(undefined);
  at = $state.raw<Date | undefined>(undefined);
  /** Calls that fit and came after what is shown; as many as a page has = as many or more. */
  fresh = $state(0);
  #read: Read;
  #query: () => Record<string, string> = () => ({});
  #counts = false;
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = 0;
  #looking = false;
  #again = false;

  constructor(read: Read) {
    this.#read = read;
  }

  /** load shows a page. newest says that it is the first one, newest first: what comes after it is counted. The query is made anew for each look, for "today" moves on. */
  async load(query: () => Record<string, string>, newest: boolean): Promise<void> {
    this.stop();
    this.#query = query;
    this.#counts = newest;
    const abort = (this.#abort = new AbortController());
    this.busy = true;
    try {
      const r = await this.#read(query(), abort.signal);
      if (abort.signal.aborted) return;
      this.items = r.calls ?? [];
      this.next = r.next ?? "";
      this.fresh = 0;
      this.ready = true;
      this.error = this.old = undefined;
      this.at = new Date();
    } catch (e) {
      if (abort.signal.aborted) return;
      this.error = e;
    }
    this.#last = Date.now();
    this.busy = false;
  }

  /** touch says that something has happened: the page is looked at soon, once for many touches. */
  touch(): void {
    if (!this.ready || this.busy) return;
    if (this.#looking) this.#again = true;
    else this.#timer ??= setTimeout(() => void this.look(), Math.max(0, this.#last + rest - Date.now()));
  }

  /** look reads the page again without moving anything on it. */
  async look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const abort = this.#abort;
    if (abort === undefined || abort.signal.aborted || this.busy) return;
    this.#looking = true;
    try {
      const r = await this.#read(this.#query(), abort.signal);
      if (abort.signal.aborted) return;
      this.#merge(r.calls ?? []);
      this.old = undefined;
      this.at = new Date();
    } catch (e) {
      if (abort.signal.aborted) return;
      this.old = e;
    } finally {
      this.#looking = false;
    }
    this.#last = Date.now();
    if (this.#again) {
      this.#again = false;
      this.touch();
    }
  }

  /** stop gives up what is being read. */
  stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#looking = this.#again = false;
    this.busy = false;
  }

  #merge(calls: Call[]): void {
    const byID = new Map(calls.map((c) => [c.id, c]));
    this.items = this.items.map((c) => byID.get(c.id) ?? c);
    if (!this.#counts) return;
    const newest = this.items[0]?.id ?? "";
    if (newest === "") this.items = calls; // nothing was there that could jump
    else this.fresh = calls.filter((c) => c.id > newest).length; // IDs sort by time
  }
}
