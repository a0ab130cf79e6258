// Short messages at the edge of the page: what was done, or why not.
import { Problem } from "./api";

/** Toast is one message. */
export interface Toast {
  id: number;
  kind: "good" | "bad" | "info";
  text: string;
}

const shown = 6000; // ms; errors stay until they are closed

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  /** say shows what was done. */
  say(text: string): void {
    this.#add("good", text, shown);
  }

  /** info shows what is worth knowing. */
  info(text: string): void {
    this.#add("info", text, shown);
  }

  /** fail shows why something was not done. What the user has called off is not shown. */
  fail(e: unknown): void {
    if (e instanceof DOMException && e.name === "AbortError") return;
    this.#add("bad", words(e), 0);
  }

  close(id: number): void {
    this.list = this.list.filter((t) => t.id !== id);
  }

  #add(kind: Toast["kind"], text: string, ms: number): void {
    const id = this.#next++;
    this.list = [...this.list.slice(-4), { id, kind, text }];
    if (ms > 0) setTimeout(() => this.close(id), ms);
  }
}

/** words says what is wrong, with the rule that decided. */
export function words(e: unknown): string {
  if (e instanceof Problem) return e.rule !== "" && !e.detail.includes(e.rule) ? `${e.detail} (${e.rule})` : e.detail;
  return e instanceof Error ? e.message : String(e);
}

export const toasts = new Toasts();
