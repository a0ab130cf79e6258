// A list that the server gives page by page: the first one, and more when they are asked for.

/** Page is one page of a list; next is the cursor of the following one. */
export interface ListPage<T> {
  items: T[];
  next?: string;
}

/** Paged reads a list. A new load gives up the one that runs. */
export class Paged<T> {
  items = $state.raw<T[]>([]);
  /** Cursor of the next page, "" = there is none. */
  next = $state("");
  /** The first page has been read. */
  ready = $state(false);
  /** What is being read: nothing, the list anew, or its next page. */
  busy = $state<"" | "first" | "more">("");
  error = $state.raw<unknown>(undefined);
  #read: (cursor: string, signal: AbortSignal) => Promise<ListPage<T>>;
  #abort: AbortController | undefined;

  constructor(read: (cursor: string, signal: AbortSignal) => Promise<ListPage<T>>) {
    this.#read = read;
  }

  /** load reads the first page; what is shown stays until it is there. */
  load(): Promise<void> {
    return this.#get("first");
  }

  /** more adds the next page. */
  async more(): Promise<void> {
    if (this.next !== "" && this.busy === "") await this.#get("more");
  }

  /** stop gives up what is being read. */
  stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    this.busy = "";
  }

  async #get(what: "first" | "more"): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.busy = what;
    try {
      const page = await this.#read(what === "more" ? this.next : "", abort.signal);
      if (abort.signal.aborted) return;
      this.items = what === "more" ? [...this.items, ...page.items] : page.items;
      this.next = page.next ?? "";
      this.ready = true;
      this.error = undefined;
    } catch (e) {
      if (abort.signal.aborted) return;
      this.error = e;
    }
    this.busy = "";
  }
}
