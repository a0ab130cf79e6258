// Types of the API that several pages use.
import type { components } from "../schema";

export type Call = components["schemas"]["Call"];
export type Stats = components["schemas"]["Stats"];
export type Resource = components["schemas"]["Resource"];
export type Explanation = components["schemas"]["Explanation"];

/** States in which an attempt runs. */
export const liveStates = ["dialing", "ringing", "answered", "confirming", "connecting", "connected"];

/** isLive says whether an attempt runs in a state. */
export function isLive(state: string): boolean {
  return liveStates.includes(state);
}

/** isOver says whether a state is a last one. */
export function isOver(state: string): boolean {
  return state === "ended" || state === "cancelled";
}
