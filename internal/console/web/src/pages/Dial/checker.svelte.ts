// Asks the server, while somebody types, how a number would be dialled and whether it may.
import { Problem, get, post } from "../../lib/api";
import type { components } from "../../lib/schema";
import type { NewCall } from "./request";

export type Trace = components["schemas"]["Trace"];
export type Verdict = components["schemas"]["Verdict"];

/** Ask is how the server is asked; tests have another one. */
export interface Ask {
  route(number: string, account: string | undefined, signal: AbortSignal): Promise<Trace>;
  check(body: NewCall, signal: AbortSignal): Promise<Verdict>;
}

/** Answer is what the server said of a request. */
export interface Answer {
  number: string;
  /** undefined: the steps may not be seen by this user. */
  trace?: Trace;
  verdict?: Verdict;
  problem?: unknown;
}

const pause = 250; // ms without a further change before the server is asked

/** Checker has the answer to the newest request; older ones are called off. */
export class Checker {
  answer = $state.raw<Answer | undefined>(undefined);
  /** The answer is not to what is on the form now. */
  busy = $state(false);
  #asked = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stop: AbortController | undefined;

  constructor(
    private readonly ask: Ask,
    private readonly mayRoute: boolean,
  ) {}

  /** look asks for a request; undefined = there is nothing to ask. */
  look(body: NewCall | undefined): void {
    const text = body === undefined ? "" : JSON.stringify(body);
    if (text === this.#asked) return;
    this.stop();
    this.#asked = text;
    if (body === undefined) {
      this.answer = undefined;
      this.busy = false;
      return;
    }
    this.busy = true;
    this.#timer = setTimeout(() => void this.#look(body), pause);
  }

  /** stop calls off what is asked. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#stop?.abort();
    this.#asked = "";
  }

  async #look(body: NewCall): Promise<void> {
    const stop = (this.#stop = new AbortController());
    const number = body.second ?? "";
    const trace = this.mayRoute ? this.ask.route(number, body.account, stop.signal).catch(() => undefined) : Promise.resolve(undefined);
    let verdict: Verdict | undefined;
    let problem: unknown;
    try {
      verdict = await this.ask.check(body, stop.signal);
    } catch (e) {
      problem = e;
    }
    const steps = await trace;
    if (stop.signal.aborted) return;
    this.answer = { number, trace: steps, verdict, problem };
    this.busy = false;
  }
}

/** server asks the server. */
export const server: Ask = {
  route: (number, account, signal) => get<Trace>("/v1/route", { number, account }, signal),
  async check(body, signal) {
    try {
      return await post<Verdict>("/v1/check", body, { signal });
    } catch (e) {
      // A refusal of the form itself is an answer, too.
      if (e instanceof Problem && (e.status === 422 || e.status === 403)) return { accepted: false, code: e.code, rule: e.rule, text: e.detail, rules: [] };
      throw e;
    }
  },
};
