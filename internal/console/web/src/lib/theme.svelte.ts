// Light or dark: what the system says, unless the user has chosen.

type Choice = "system" | "light" | "dark";
const stored = "dialwright.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

class Theme {
  choice = $state<Choice>(read());
  /** light or dark, as shown now. */
  shown = $state<"light" | "dark">("light");

  constructor() {
    dark.addEventListener("change", () => this.#apply());
    this.#apply();
  }

  /** choose keeps a choice in this browser. */
  choose(c: Choice): void {
    this.choice = c;
    try {
      localStorage.setItem(stored, c);
    } catch {
      // private windows may forbid it: the choice lasts as long as the page
    }
    this.#apply();
  }

  #apply(): void {
    this.shown = this.choice === "system" ? (dark.matches ? "dark" : "light") : this.choice;
    document.documentElement.dataset.theme = this.shown;
  }
}

function read(): Choice {
  try {
    const c = localStorage.getItem(stored);
    return c === "light" || c === "dark" ? c : "system";
  } catch {
    return "system";
  }
}

export const theme = new Theme();
