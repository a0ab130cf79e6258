// Numbers that the user keeps by a name, in this browser.

/** Favourite is one number with its name. */
export interface Favourite {
  name: string;
  number: string;
}

export const mostFavourites = 100;
const longestName = 60;

/** parse reads what is stored; what is no favourite is left out. */
export function parse(text: string | null): Favourite[] {
  let list: unknown;
  try {
    list = JSON.parse(text ?? "[]");
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list
    .filter((f): f is Favourite => typeof f === "object" && f !== null && typeof (f as Favourite).name === "string" && typeof (f as Favourite).number === "string" && (f as Favourite).number !== "")
    .slice(0, mostFavourites)
    .map((f) => ({ name: f.name.slice(0, longestName), number: f.number.slice(0, 256) }));
}

/** put adds a number, or gives it another name. */
export function put(list: Favourite[], number: string, name: string): Favourite[] {
  const f = { number, name: name.trim().slice(0, longestName) };
  return list.some((x) => x.number === number) ? list.map((x) => (x.number === number ? f : x)) : [...list, f].slice(0, mostFavourites);
}

/** remove takes a number out. */
export function remove(list: Favourite[], number: string): Favourite[] {
  return list.filter((f) => f.number !== number);
}

/** move moves a number up (-1) or down (1). */
export function move(list: Favourite[], number: string, by: number): Favourite[] {
  const at = list.findIndex((f) => f.number === number);
  const to = at + by;
  if (at < 0 || to < 0 || to >= list.length) return list;
  const next = list.filter((_, i) => i !== at);
  next.splice(to, 0, list[at] as Favourite);
  return next;
}
