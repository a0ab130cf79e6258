// Batches, and the lists that people upload.

/** Batch is one of GET /v1/batches: a batch with the numbers of its calls. */
export interface Batch {
  batch: string;
  account: string;
  created_at: string;
  paused: boolean;
  /** All that are kept. */
  calls: number;
  waiting: number;
  live: number;
  ended: number;
  /** Withdrawn; not among those that ended. */
  cancelled: number;
  /** Of the last attempts of calls that are over. */
  dispositions: Record<string, number>;
  last_at?: string;
  /** ID of the newest list that was submitted to it. */
  import?: string;
}

/** Source is where a value comes from: a column, or the same text for all rows. */
export interface Source {
  column?: number;
  value?: string;
}

/** Mapping says where the parts of each call come from; fields are those of mapping.ts. */
export type Mapping = { variables?: Record<string, Source> } & Record<string, Source | Record<string, Source> | undefined>;

/** Column is a column of a list. */
export interface Column {
  index: number;
  /** As the header has it, else the letters that a spreadsheet shows. */
  name: string;
  samples: string[];
  /** Field of the mapping that it looks like. */
  guess?: string;
}

/** Import is a list that was uploaded. */
export interface Import {
  id: string;
  name: string;
  format: "csv" | "xlsx";
  encoding?: string;
  delimiter?: string;
  sheet?: string;
  sheets?: string[];
  header: boolean;
  rows: number;
  columns: Column[];
  warnings: string[];
  state: "uploaded" | "submitting" | "submitted" | "failed";
  batch?: string;
  /** Rows that have been dealt with so far. */
  processed: number;
  accepted: number;
  refused: number;
  error?: string;
  created_at: string;
  ended_at?: string;
  principal: string;
  account: string;
  mapping: Mapping;
}

/** Reason is why rows would not be dialled. */
export interface Reason {
  code: string;
  rule?: string;
  text: string;
  count: number;
  /** Their numbers, as a spreadsheet shows them; the first hundred. */
  rows: number[];
}

/** Report is what a dry run says. */
export interface Report {
  rows: number;
  accepted: number;
  refused: number;
  reasons: Reason[];
  warnings: Reason[];
  preview: { row: number; first?: string; second?: string; dials?: string; error?: string }[];
}
