// One clock for all running timers of the page, so that 500 calls cost one timer.

class Clock {
  /** Milliseconds since 1970, once a second while somebody looks. */
  now = $state(Date.now());
  #users = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** use keeps the clock going; the result lets it stop. For $effect(() => clock.use()). */
  use(): () => void {
    this.now = Date.now();
    if (this.#users++ === 0) this.#timer = setInterval(() => (this.now = Date.now()), 1000);
    return () => {
      if (--this.#users === 0) clearInterval(this.#timer);
    };
  }
}

export const clock = new Clock();
