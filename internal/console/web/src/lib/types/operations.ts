// What the operations of a server answer that the console shows: phones, doors, keys, the dialplan.
import type { components } from "../schema";

type Schemas = components["schemas"];

export type Link = Schemas["Link"];
export type LinkDetail = Schemas["LinkDetail"];
export type NewLink = Schemas["NewLink"];
export type User = Schemas["User"];
export type NewUser = Schemas["NewUser"];
export type AuditEntry = Schemas["AuditEntry"];
export type Resource = Schemas["Resource"];
export type Door = Schemas["Door"];
export type Key = Schemas["Key"];
export type MadeKey = Schemas["MadeKey"];

/** Endpoint is a phone or a trunk with its registrations. */
export type Endpoint = Schemas["EndpointState"];
/** Binding is what is known of one address of a phone or trunk. */
export type Binding = Schemas["ContactState"];
/** TestResult is what a phone or trunk has answered. */
export type TestResult = Schemas["EndpointTest"];

/** Plan is the dialplan in force. */
export type Plan = Schemas["Plan"];
export type PlanContext = Schemas["PlanContext"];
export type PlanExtension = Schemas["PlanExtension"];
export type PlanProblem = Schemas["PlanProblem"];
/** PlanTraced is the run of an extension with pretended phones. */
export type PlanTraced = Schemas["PlanTraced"];
