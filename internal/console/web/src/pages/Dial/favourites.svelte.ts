// The favourites of a user in this browser, the same in all its tabs.
import { move, parse, put, remove, type Favourite } from "./favourites";

export class Favourites {
  list = $state.raw<Favourite[]>([]);
  /** false: this browser keeps nothing, so they last as long as the page. */
  kept = $state(true);
  readonly #key: string;

  constructor(user: string) {
    this.#key = `dialwright.favourites.${user}`;
    try {
      this.list = parse(localStorage.getItem(this.#key));
    } catch {
      this.kept = false;
    }
  }

  /** follow takes over what other tabs change; the result ends it. */
  follow(): () => void {
    const changed = (e: StorageEvent): void => {
      if (e.key === this.#key) this.list = parse(e.newValue);
    };
    addEventListener("storage", changed);
    return () => removeEventListener("storage", changed);
  }

  has(number: string): boolean {
    return this.list.some((f) => f.number === number);
  }
  put(number: string, name: string): void {
    this.#keep(put(this.list, number, name));
  }
  remove(number: string): void {
    this.#keep(remove(this.list, number));
  }
  move(number: string, by: number): void {
    this.#keep(move(this.list, number, by));
  }

  #keep(list: Favourite[]): void {
    this.list = list;
    try {
      localStorage.setItem(this.#key, JSON.stringify(list));
      this.kept = true;
    } catch {
      this.kept = false; // full, or a private window
    }
  }
}
