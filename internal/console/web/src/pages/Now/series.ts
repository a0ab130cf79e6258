// The last hour in three curves. The server counts each minute; what events say since it was
// asked is added to the last point.
import type { CallEvent } from "../../lib/events.svelte";
import type { Point, Series } from "../../lib/types/series";

/** Curves are columns for a plot: times in seconds since 1970, and values; null = no value. */
export interface Curves {
  x: number[];
  perMinute: (number | null)[];
  answerRate: (number | null)[];
  timeToAnswer: (number | null)[];
}

/** Recent adds what events say to what the server has counted. */
export class Recent {
  #points: Point[] = [];
  #step = 60;
  #sums: { total: number; n: number } = { total: 0, n: 0 };

  /** take begins anew with what the server has counted. */
  take(s: Series): void {
    this.#step = s.step;
    this.#points = s.points.map((p) => ({ ...p }));
    const last = this.#points.at(-1);
    this.#sums = { total: (last?.time_to_answer ?? 0) * (last?.answered ?? 0), n: last?.answered ?? 0 };
  }

  /** add counts an event; true if it changed something. */
  add(e: CallEvent): boolean {
    if (e.type !== "attempt.started" && e.type !== "attempt.ended") return false;
    const p = this.#at(Date.parse(e.at));
    if (p === undefined) return false;
    if (e.type === "attempt.started") {
      p.attempts++;
      return true;
    }
    const cdr = e.cdr as { disposition?: string; started_at?: string; answered_at?: string } | undefined;
    p.ended++;
    if (cdr?.disposition !== "ANSWERED") return true;
    p.answered++;
    const took = (Date.parse(cdr.answered_at ?? "") - Date.parse(cdr.started_at ?? "")) / 1000;
    if (took >= 0) {
      this.#sums.total += took;
      this.#sums.n++;
      p.time_to_answer = this.#sums.total / this.#sums.n;
    }
    return true;
  }

  // The point of a time: the last one, or a new one after it.
  #at(ms: number): Point | undefined {
    const last = this.#points.at(-1);
    const width = this.#step * 1000;
    const begin = Math.floor(ms / width) * width;
    if (Number.isNaN(begin)) return undefined;
    if (last !== undefined && begin <= Date.parse(last.at)) return last;
    const next: Point = { at: new Date(begin).toISOString(), attempts: 0, answered: 0, ended: 0, time_to_answer: null };
    this.#points.push(next);
    this.#sums = { total: 0, n: 0 };
    return next;
  }

  get points(): Point[] {
    return this.#points;
  }

  /** curves gives the columns. A rate needs an end, a time an answer. */
  curves(): Curves {
    const perMinute = 60 / this.#step;
    return {
      x: this.#points.map((p) => Date.parse(p.at) / 1000),
      perMinute: this.#points.map((p) => p.attempts * perMinute),
      answerRate: this.#points.map((p) => (p.ended > 0 ? (100 * p.answered) / p.ended : null)),
      timeToAnswer: this.#points.map((p) => p.time_to_answer),
    };
  }
}
