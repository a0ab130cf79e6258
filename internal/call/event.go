package call

import "time"

// Event is one thing that happened to a call. Events of one call are ordered
// by Seq; Seq rises over all calls of a store and is the cursor from which a
// reader resumes. An engine leaves Seq, Call, Attempt and State empty: the
// originator fills them in.
type Event struct {
	Seq       int64     `json:"seq"`
	At        time.Time `json:"at"`
	Type      EventType `json:"type"`
	Call      ID        `json:"call"`
	Attempt   int       `json:"attempt,omitempty"`
	State     State     `json:"state"`             // after the event
	Leg       string    `json:"leg,omitempty"`     // "a" or "b"
	Channel   string    `json:"channel,omitempty"` // channel name
	Text      string    `json:"text,omitempty"`    // in words, for people
	DueAt     time.Time `json:"due_at,omitzero"`   // EvRetry
	CDR       *CDR      `json:"cdr,omitempty"`     // EvAttemptEnd
	Failure   *Failure  `json:"failure,omitempty"` // EvAttemptEnd, EvEnded
	Account   AccountID `json:"account,omitempty"`
	Batch     BatchID   `json:"batch,omitempty"`
	Reference string    `json:"reference,omitempty"`
}
