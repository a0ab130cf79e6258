// Who is logged in. The session itself is a cookie that scripts cannot read; what is kept here
// is what GET /v1/session says of it, and the token that changes need.
import { get, post, send, type Problem } from "./api";

/** Session is what GET /v1/session says. */
export interface Session {
  name: string;
  display?: string;
  role: string;
  account?: string;
  phone?: string;
  scopes: string[];
  csrf?: string;
  expires_at?: string;
  node?: string;
  version?: string;
}

class Sessions {
  /** Who is logged in; undefined until it is known. */
  current = $state<Session | undefined>(undefined);
  /** Why the login dialog is shown, "" = it is not. */
  asking = $state("");
  #waiting: { resolve: () => void; reject: (p: Problem) => void; problem: Problem }[] = [];

  get csrf(): string {
    return this.current?.csrf ?? "";
  }

  get isAdmin(): boolean {
    return this.can("admin");
  }

  /** can says whether the session has a scope; admin has all. */
  can(scope: string): boolean {
    const scopes = this.current?.scopes ?? [];
    return scopes.includes(scope) || scopes.includes("admin");
  }

  /** load asks who is logged in. Throws a Problem of status 401 if nobody is. */
  async load(): Promise<Session> {
    this.current = await get<Session>("/v1/session");
    return this.current;
  }

  /** check asks for a new login if the session has ended. */
  async check(): Promise<void> {
    try {
      await this.load();
    } catch (e) {
      const problem = e as Problem;
      if (problem.status === 401) this.asking = problem.detail;
    }
  }

  /** login opens a session and lets what waited for one go on. */
  async login(user: string, password: string): Promise<void> {
    const next = await post<Session>("/v1/session", { user, password });
    const before = this.current;
    if (before !== undefined && before.name !== next.name) {
      location.reload(); // what is on the page belongs to somebody else
      return;
    }
    this.current = next;
    this.asking = "";
    for (const w of this.#waiting.splice(0)) w.resolve();
  }

  /** renew asks the user to log in again, and ends when they have. */
  renew(problem: Problem): Promise<void> {
    this.asking = problem.detail;
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject, problem }));
  }

  /** giveUp closes the login dialog: what waited fails. */
  giveUp(): void {
    this.asking = "";
    for (const w of this.#waiting.splice(0)) w.reject(w.problem);
  }

  /** logout ends the session and goes to the login page. */
  async logout(): Promise<void> {
    await send("DELETE", "/v1/session").catch(() => undefined); // it may have ended by itself
    this.current = undefined;
    toLogin();
  }
}

/** toLogin goes to the login page, which leads back here. */
export function toLogin(): void {
  location.assign(`/console/login?next=${encodeURIComponent(`/console/${location.hash}`)}`);
}

export const session = new Sessions();
