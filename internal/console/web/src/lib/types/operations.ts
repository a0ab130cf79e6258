// What the operations of a server answer that the console shows: phones, doors, keys, the dialplan.
import type { components } from "../schema";

export type Link = components["schemas"]["Link"];
export type LinkDetail = components["schemas"]["LinkDetail"];
export type NewLink = components["schemas"]["NewLink"];
export type User = components["schemas"]["User"];
export type NewUser = components["schemas"]["NewUser"];
export type AuditEntry = components["schemas"]["AuditEntry"];
export type Resource = components["schemas"]["Resource"];

/** Endpoint is a phone or a trunk with its registrations. */
export interface Endpoint {
  name: string;
  kind: string;
  /** "not in use", "in use", "ringing", "unavailable", "on hold". */
  state: string;
  registered: boolean;
  contacts?: string[] | null;
  last_error?: string;
  expires_at?: string;
  channels: number;
  /** When last_error came up, or the registration began. */
  since?: string;
  account?: string;
  /** Cap on channels; absent = none. */
  max_channels?: number;
  /** What is known of each of contacts, in their order. */
  bindings?: Binding[] | null;
}

/** Binding is what is known of one address of a phone or trunk. */
export interface Binding {
  uri: string;
  /** What the phone says it is. */
  user_agent?: string;
  /** Where it registered from. */
  address?: string;
  registered_at?: string;
  expires_at?: string;
  /** To OPTIONS: "yes", "no", "unknown". */
  answers: string;
  /** Seconds, of the last answer. */
  round_trip?: number;
}

/** TestResult is what POST /v1/phones/{name}/test answers. */
export interface TestResult {
  ok: boolean;
  results: { contact: string; status?: number; reason?: string; round_trip?: number; error?: string }[];
  /** What it means and what to do. */
  text: string;
}

/** Door is a way in for requests. */
export interface Door {
  name: string;
  title: string;
  enabled: boolean;
  address?: string;
  page?: string;
  setting: string;
  uses: { title: string; text: string }[];
  last: AuditEntry[];
  accepted_24h: number;
  denied_24h: number;
}

/** Key is an API key, never with its secret. */
export interface Key {
  name: string;
  account?: string;
  scopes: string[];
  stored: boolean;
  created_at?: string;
  created_by?: string;
  last_used_at?: string;
  uses?: number;
  revoked_at?: string;
}

/** Plan is the dialplan as it is in force. */
export interface Plan {
  file: string;
  files: string[];
  contexts: PlanContext[];
  problems: PlanProblem[];
}

export interface PlanContext {
  name: string;
  includes: string[];
  extensions: PlanExtension[];
}

export interface PlanExtension {
  exten: string;
  file: string;
  line: number;
  priorities: { priority: number; label?: string; app: string; data: string; file: string; line: number }[];
}

export interface PlanProblem {
  file: string;
  line: number;
  severity: string;
  text: string;
  context?: string;
  exten?: string;
}

/** PlanTrace is the run of an extension with pretended phones. */
export interface PlanTrace {
  lines: string[];
  ended: string;
}
