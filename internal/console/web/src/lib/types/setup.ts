// GET /v1/setup: what to do next on this server.

/** Step is one thing to do. */
export interface Step {
  id: string;
  done: boolean;
  title: string;
  text?: string;
  /** To be copied into a shell. */
  command?: string;
  /** A page of the console: "#/phones". */
  link?: string;
}
