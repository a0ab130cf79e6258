// The pages of the console: their place in the menu, who sees them, and where they are. Each is a
// chunk of its own that is loaded when it is opened.
import type { Component } from "svelte";

/** Page is one page. */
export interface Page {
  /** First part of the address: "calls" for #/calls/…. */
  name: string;
  /** In the menu; "" = it is reached from other pages. */
  title: string;
  /** Scope that is needed to see it; undefined = everybody. */
  scope?: string;
  load: () => Promise<{ default: Component }>;
}

export const pages: Page[] = [
  { name: "now", title: "Now", load: () => import("../pages/Now.svelte") },
  { name: "dial", title: "Dial", load: () => import("../pages/Dial.svelte") },
  { name: "calls", title: "Calls", load: () => import("../pages/Calls.svelte") },
  { name: "batches", title: "Queue and batches", load: () => import("../pages/Batches.svelte") },
  { name: "import", title: "", scope: "calls:write", load: () => import("../pages/Import.svelte") },
  { name: "phones", title: "Phones and trunks", load: () => import("../pages/Phones.svelte") },
  { name: "doors", title: "Doors", scope: "admin", load: () => import("../pages/Doors.svelte") },
  { name: "links", title: "Links and keys", load: () => import("../pages/Links.svelte") },
  { name: "audit", title: "Audit", scope: "admin", load: () => import("../pages/Audit.svelte") },
  { name: "dialplan", title: "Dialplan", scope: "admin", load: () => import("../pages/Dialplan.svelte") },
  { name: "tools", title: "Links from outside", load: () => import("../pages/Tools.svelte") },
];
