// Who is logged in. The session itself is a cookie that scripts cannot read; what is kept here
// is what GET /v1/session says of it, and the token that changes need.
import { post, send, type Problem } from "./api";

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
  #declined = false;
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

  /** load asks who is logged in, and says whether anybody is. */
  async load(): Promise<boolean> {
    const now = await ask();
    if (now !== undefined) this.#be(now);
    return now !== undefined;
  }

  /**
   * check looks whether the session is still the one that it was: it may have ended, or another
   * tab may have logged out, in again, or somebody else in. It asks for a new login if nobody is
   * logged in, and lets what waited for one go on if somebody is. Who has said "not now" is asked
   * again only if they want it.
   */
  async check(wanted = false): Promise<void> {
    if (this.current === undefined) return;
    if (wanted) this.#declined = false;
    const now = await ask().catch(() => null);
    if (now === null) return; // it cannot be known now
    if (now !== undefined) this.#be(now);
    else if (!this.#declined) this.asking = "Your session has ended.";
  }

  /** login opens a session and lets what waited for one go on. */
  async login(user: string, password: string): Promise<void> {
    this.#be(await post<Session>("/v1/session", { user, password }));
  }

  #be(next: Session): void {
    const before = this.current;
    if (before !== undefined && before.name !== next.name) {
      location.reload(); // what is on the page belongs to somebody else
      return;
    }
    if (before === undefined || changed(before, next)) this.current = next;
    this.asking = "";
    this.#declined = false;
    for (const w of this.#waiting.splice(0)) w.resolve();
  }

  /**
   * renew ends when there is a session again that the request may be repeated with. It is there
   * already if another tab has logged in meanwhile; else the user is asked.
   */
  async renew(problem: Problem, csrf: string): Promise<void> {
    const again = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject, problem }));
    if (this.csrf !== csrf) {
      for (const w of this.#waiting.splice(0)) w.resolve();
    } else {
      const now = await ask().catch(() => undefined);
      if (now !== undefined && now.csrf !== csrf) this.#be(now);
      else this.asking = problem.detail;
    }
    return again;
  }

  /** giveUp closes the login dialog: what waited fails. */
  giveUp(): void {
    this.asking = "";
    this.#declined = true;
    for (const w of this.#waiting.splice(0)) w.reject(w.problem);
  }

  /** logout ends the session and goes to the login page. */
  async logout(): Promise<void> {
    await send("DELETE", "/v1/session").catch(() => undefined); // it may have ended by itself
    this.current = undefined;
    toLogin();
  }
}

/** ask gives who is logged in, undefined if nobody is. Throws a Problem. */
async function ask(): Promise<Session | undefined> {
  const r = await send("GET", "/v1/session", { query: { anyone: true } });
  return r.status === 204 ? undefined : ((await r.json()) as Session);
}

// Pages look at what a session may do when they are made: the same one again must not make them
// look again.
function changed(a: Session, b: Session): boolean {
  return JSON.stringify(a) !== JSON.stringify(b);
}

/** toLogin goes to the login page, which leads back here. "Back" from there does not lead here, for it would lead there again. */
export function toLogin(): void {
  location.replace(`/console/login?next=${encodeURIComponent(`/console/${location.hash}`)}`);
}

export const session = new Sessions();
