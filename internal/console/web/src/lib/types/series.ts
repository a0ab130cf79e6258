// GET /v1/series: what became of attempts over time.

/** Point counts one step of time. */
export interface Point {
  at: string;
  attempts: number;
  answered: number;
  ended: number;
  /** Seconds from the attempt's start to its answer, on average; null = none was answered. */
  time_to_answer: number | null;
}

/** Series is the answer; step in seconds. */
export interface Series {
  step: number;
  points: Point[];
}
