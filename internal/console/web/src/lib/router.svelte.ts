// Pages are found by the hash of the address: #/calls/0190…?number=49. The server need not
// know them, and a link to one survives the login page.

/** parse reads a hash: "#/calls/ID?x=1" is the parts ["calls", "ID"] and the query. */
export function parse(hash: string): { parts: string[]; query: URLSearchParams } {
  const text = hash.replace(/^#\/?/, "");
  const at = text.indexOf("?");
  const path = at < 0 ? text : text.slice(0, at);
  const parts = path
    .split("/")
    .filter((p) => p !== "")
    .map((p) => {
      try {
        return decodeURIComponent(p);
      } catch {
        return p; // a stray %
      }
    });
  return { parts, query: new URLSearchParams(at < 0 ? "" : text.slice(at + 1)) };
}

class Router {
  #hash = $state(location.hash);
  #parsed = $derived(parse(this.#hash));
  // A state of its own: what is drawn for a page must not be drawn anew, and the page lose what
  // is in it, because its query has changed. Svelte (5.57) runs blocks again whose derived values
  // are as before if the change comes while effects run.
  #page = $state(pageOf(location.hash));

  constructor() {
    addEventListener("hashchange", () => this.#take());
  }

  #take(): void {
    this.#hash = location.hash;
    this.#page = pageOf(location.hash);
  }

  /** The parts of the path: ["calls", "0190…"]. */
  get parts(): string[] {
    return this.#parsed.parts;
  }

  get query(): URLSearchParams {
    return this.#parsed.query;
  }

  /** The first part, "now" on the start page. */
  get page(): string {
    return this.#page;
  }

  /** go leads to a page: go("calls", id). */
  go(...parts: string[]): void {
    location.hash = href(...parts);
  }

  /** setQuery replaces the query without a new entry in the history; empty values go. */
  setQuery(values: Record<string, string>): void {
    const q = new URLSearchParams();
    for (const [k, v] of Object.entries(values)) if (v !== "") q.set(k, v);
    const text = q.toString();
    const path = `#/${this.parts.map(encodeURIComponent).join("/")}`;
    history.replaceState(null, "", text === "" ? path : `${path}?${text}`);
    this.#take();
  }
}

function pageOf(hash: string): string {
  return parse(hash).parts[0] ?? "now";
}

/** href gives the address of a page: href("calls", id) is "#/calls/ID". */
export function href(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

export const router = new Router();
