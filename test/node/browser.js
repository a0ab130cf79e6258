"use strict";
// A Chromium that does what it is told: each line of standard input is a JSON object {"do": what,
// "page": name, …}, each is answered by a line {"ok": result} or {"error": text}. Pages are
// made by "open", in the context that they name, and are remembered by their name.
//
// CHROMIUM: its path. ARGS: further arguments, JSON.
const fs = require("node:fs");
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
  // shot brings the page to the front: what is behind another one is not drawn.
  shot: (tab, { file }) => tab.bringToFront().then(() => tab.screenshot({ path: file, fullPage: true })).then(() => true),
  goto: (tab, { url }) => tab.goto(url).then((r) => (r ? r.status() : 0)),
  upload: (tab, { at, file }) => tab.setInputFiles(at, file),
  select: (tab, { at, value }) => tab.selectOption(at, value),
  offline: (tab, { on }) => tab.context().setOffline(on),
  grant: (tab, { what }) => tab.context().grantPermissions(what),
  async look(tab, { width, colours }) {
    await tab.setViewportSize({ width, height: 900 });
    await tab.emulateMedia({ colorScheme: colours });
  },
  // axe tells what axe-core finds serious or critical, as JSON.
  async axe(tab) {
    await tab.evaluate(fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
    const found = await tab.evaluate(() => globalThis.axe.run());
    return JSON.stringify(found.violations
      .filter((v) => ["serious", "critical"].includes(v.impact))
      .map((v) => ({ ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.slice(0, 5).map((n) => `${n.target} ${n.failureSummary}`) })));
  },
  // frames records the browser's own trace for some seconds and gives the times between frames
  // that were drawn, in milliseconds, and how long each task took.
  async frames(tab, { ms }) {
    const cdp = await tab.context().newCDPSession(tab);
    const events = [];
    cdp.on("Tracing.dataCollected", ({ value }) => events.push(...value));
    await cdp.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["devtools.timeline", "disabled-by-default-devtools.timeline", "disabled-by-default-devtools.timeline.frame"] } });
    await tab.waitForTimeout(ms);
    const whole = new Promise((resolve) => cdp.once("Tracing.tracingComplete", resolve));
    await cdp.send("Tracing.end");
    await whole;
    await cdp.detach();
    const drawn = events.filter((e) => e.name === "DrawFrame").map((e) => e.ts / 1000).sort((a, b) => a - b);
    const tasks = events.filter((e) => e.name === "RunTask" && e.dur > 0).map((e) => e.dur / 1000);
    return { frames: drawn.slice(1).map((t, i) => t - drawn[i]), tasks };
  },
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
