// What the server knows, read again every now and then: states of phones, of doors, of keys. What
// is shown stays when a reading fails, and it is said that it is old.

interface Options {
  /** Milliseconds between two readings by themselves. */
  every?: number;
  /** Least milliseconds between two readings that were asked for by touch. */
  rest?: number;
}

/** Poll reads one thing. use() keeps it going while somebody looks. */
export class Poll<T> {
  /** What was read last; undefined until something was. */
  value = $state.raw<T | undefined>(undefined);
  /** Why the last reading failed; undefined if it did not. */
  error = $state.raw<unknown>(undefined);
  /** When value was read. */
  at = $state.raw<Date | undefined>(undefined);
  #read: (signal: AbortSignal) => Promise<T>;
  #every: number;
  #rest: number;
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #again = false;
  #last = 0;

  constructor(read: (signal: AbortSignal) => Promise<T>, o: Options = {}) {
    this.#read = read;
    this.#every = o.every ?? 15_000;
    this.#rest = o.rest ?? 1000;
  }

  /** use reads now and from then on; the result ends that. For $effect(() => poll.use()). */
  use(): () => void {
    const abort = new AbortController();
    this.#abort = abort;
    void this.now();
    return () => {
      abort.abort();
      clearTimeout(this.#timer);
      if (this.#abort === abort) this.#abort = undefined;
    };
  }

  /** touch says that something has changed: it is read soon, once for many touches. */
  touch(): void {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#plan(Math.max(0, this.#last + this.#rest - Date.now()));
  }

  /** now reads at once; what is being read already is awaited, and read anew. */
  async now(): Promise<void> {
    const abort = this.#abort;
    if (abort === undefined) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#last = Date.now();
    clearTimeout(this.#timer);
    try {
      const value = await this.#read(abort.signal);
      if (!abort.signal.aborted) {
        this.value = value;
        this.error = undefined;
        this.at = new Date();
      }
    } catch (e) {
      if (!abort.signal.aborted) this.error = e;
    } finally {
      this.#running = false;
    }
    if (this.#abort === undefined) return;
    const soon = this.#again || abort.signal.aborted;
    this.#again = false;
    this.#plan(soon ? this.#rest : this.#every);
  }

  // Nobody looks at a hidden page, so it is read when it is shown again or when its time has come.
  #plan(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (typeof document !== "undefined" && document.hidden) this.#plan(this.#every);
      else void this.now();
    }, ms);
  }
}
