import { expect, test } from "vitest";
import { bookmarklet } from "./bookmarklet";

/** Runs the bookmark in a page with this selection and these links. */
function run(selection: string, links: string[] = [], answer: string | null = null): string | undefined {
  let opened: string | undefined;
  const source = decodeURIComponent(bookmarklet("https://pbx.example").slice("javascript:".length));
  const page = {
    getSelection: () => ({ toString: () => selection }),
    document: { activeElement: null, querySelectorAll: () => links.map((href) => ({ getAttribute: () => href })) },
    window: { open: (url: string, _target: string, features: string) => (expect(features).toBe("noopener"), (opened = url)) },
    prompt: () => answer,
  };
  new Function(...Object.keys(page), source)(...Object.values(page));
  return opened;
}

test("the selected number is opened", () => {
  expect(run(" +49 (30) 123 ")).toBe("https://pbx.example/console/#/dial?number=%2B49%20(30)%20123");
});

test("else the only tel: link, else the user is asked", () => {
  expect(run("", ["tel:+4930123", "tel:+4930123"])).toBe("https://pbx.example/console/#/dial?number=tel%3A%2B4930123");
  expect(run("", ["tel:1", "tel:2"], "101")).toContain("number=101");
  expect(run("", [], null)).toBeUndefined();
});

test("the address is one line, holds no secret and no way out of its text", () => {
  const b = bookmarklet("https://pbx.example");
  expect(b).toMatch(/^javascript:[^\s<>"#]+$/);
  expect(b.length).toBeLessThan(2000);
  expect(bookmarklet("https://x';alert(1);'")).not.toContain("';alert");
});
