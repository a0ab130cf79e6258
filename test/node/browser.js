"use strict";
// A Chromium that does what it is told: each line of standard input is a JSON object {"do": what,
// "page": name, …}, each is answered by a line {"ok": result} or {"error": text}. Pages are
// made by "open", in the context that they name, and are remembered by their name.
//
// CHROMIUM: its path. ARGS: further arguments, JSON.
const readline = require("node:readline");
const { chromium } = require("playwright-core");

const { CHROMIUM, ARGS } = process.env;
const PATIENCE = 20_000;
const contexts = new Map();
const pages = new Map();
const said = new Map(); // what the console of a page said, and its uncaught errors

// Every page notes the states that its elements tell, and counts the frames that it has read.
function note() {
  globalThis.states = [];
  globalThis.received = 0;
  globalThis.WebSocket = class extends WebSocket {
    constructor(...of) {
      super(...of);
      this.addEventListener("message", () => setTimeout(() => globalThis.received++)); // when all others have read it
    }
  };
  document.addEventListener("pbxcall:state", (e) => globalThis.states.push({ at: e.target.id, ...e.detail }));
  document.addEventListener("securitypolicyviolation", (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`));
}

async function context(browser, name, options = {}) {
  if (!contexts.has(name)) {
    const made = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
    await made.addInitScript(note);
    contexts.set(name, made);
  }
  return contexts.get(name);
}

const commands = {
  async open(browser, { page, context: name = "default", options, url, clock }) {
    const tab = await (await context(browser, name, options)).newPage();
    tab.setDefaultTimeout(PATIENCE);
    pages.set(page, tab);
    said.set(page, []);
    tab.on("console", (m) => said.get(page).push(`${m.type()}: ${m.text()}`));
    tab.on("pageerror", (e) => said.get(page).push(`uncaught: ${e.message}`));
    if (clock) await tab.clock.install();
    const response = url && (await tab.goto(url));
    return response ? response.status() : 0;
  },
  // visit goes to a page that may not load, or may lead elsewhere, and waits until its own
  // requests have been answered.
  async visit(tab, { url }) {
    await tab.goto(url, { waitUntil: "commit" }).catch(() => null);
    await tab.waitForLoadState("networkidle").catch(() => null);
  },
  click: (tab, { at }) => tab.click(at),
  fill: (tab, { at, text }) => tab.fill(at, text),
  press: (tab, { key }) => tab.keyboard.press(key),
  visible: (tab, { at }) => tab.waitForSelector(at, { state: "visible" }).then(() => true),
  hidden: (tab, { at }) => tab.waitForSelector(at, { state: "hidden" }).then(() => true),
  is: (tab, { at }) => tab.isVisible(at),
  // says waits until an element holds a text.
  says: (tab, { at, text }) => tab.locator(at).filter({ hasText: text }).waitFor({ state: "attached" }).then(() => tab.locator(at).textContent()),
  text: (tab, { at }) => tab.textContent(at),
  // state waits until an element has told a state (and a reason), not counting the first skip ones.
  state: (tab, { id, state, reason = "", skip = 0 }) => tab
    .waitForFunction(([i, s, r, n]) => globalThis.states.slice(n).find((e) => e.at === i && e.state === s && (!r || e.reason === r)), [id, state, reason, skip])
    .then((h) => h.jsonValue()),
  // wait waits until an expression is true. It is asked for from outside: pages forbid eval.
  async wait(tab, { script }) {
    for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 10))) {
      const value = await tab.evaluate(script);
      if (value) return value;
    }
    throw new Error(`it does not come to ${script}`);
  },
  eval: (tab, { script }) => tab.evaluate(script),
  forward: (tab, { ms }) => tab.clock.runFor(ms),
  url: (tab) => tab.url(),
  landed: (tab, { url }) => tab.waitForURL(url).then(() => tab.url()),
  cookies: (tab) => tab.context().cookies(),
  console: (tab, { page }) => said.get(page),
  shot: (tab, { file }) => tab.screenshot({ path: file }).then(() => true),
  dark: (tab) => tab.emulateMedia({ colorScheme: "dark" }),
  accessible: (tab, { at }) => tab.locator(at).ariaSnapshot(),
  close: (tab) => tab.close(),
};

(async () => {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--host-resolver-rules=MAP *.test 127.0.0.1", "--disable-popup-blocking", ...JSON.parse(ARGS || "[]")],
  });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    let answer;
    try {
      const first = command.do === "open" ? browser : pages.get(command.page);
      answer = { ok: (await commands[command.do](first, command)) ?? null };
    } catch (err) {
      answer = { error: String(err.message) };
    }
    console.log(JSON.stringify(answer));
  }
  await browser.close();
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
