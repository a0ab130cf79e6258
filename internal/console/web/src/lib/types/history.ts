// What the server answers about calls that have been.
import type { CallEvent } from "../events.svelte";
import type { components } from "../schema";

export type Attempt = components["schemas"]["AttemptView"];
export type Leg = components["schemas"]["Leg"];
export type Message = components["schemas"]["SIPMessage"];

/** Events is the answer of GET /v1/calls/{id}/events. */
export interface Events {
  events: CallEvent[] | null;
  more?: boolean;
}

/** Recording is one of GET /v1/calls/{id}/recordings. */
export interface Recording {
  id: string;
  /** "a", "b"; absent for other channels and bridges. */
  leg?: string;
  channel?: string;
  started_at: string;
  ended_at?: string;
  /** Seconds. */
  duration: number;
  bytes: number;
  format: string;
  /** It is being recorded. */
  live?: boolean;
  /** The file was deleted or moved since. */
  gone?: boolean;
  url?: string;
}
