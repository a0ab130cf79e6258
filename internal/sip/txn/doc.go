// Package txn is the transaction layer of SIP: it pairs requests with their
// responses, repeats what UDP loses, absorbs what peers repeat, and refuses
// what no user of it should see. It is RFC 3261 section 17 with the Accepted
// state of RFC 6026, over the flows of package sipnet.
//
// # Life of a client transaction
//
//	         Send                      1xx                        2xx
//	INVITE ───────► calling ──────────────► proceeding ────────────────────► ended
//	                 │  A: repeat at 0.5, 1, 2 … s │ 3xx-6xx: ACK             (later 2xx: OnStray2xx)
//	                 │  B: 32 s, ErrTimeout        ▼
//	                 └───────────────────────► completed: 32 s, repeats the ACK
//
//	other ────────► trying ────► proceeding ────► ended
//	                 E: repeat at 0.5, 1, 2, 4, 4 … s   F: 32 s, ErrTimeout
//
// The function given to [Layer.Send] hears every provisional response and then
// exactly one final response or error, in order, never two at a time.
//
// # Life of a server transaction
//
//	                       1xx                2xx
//	INVITE ──► proceeding ─────► proceeding ──────► accepted: 32 s, absorbs INVITE; its ACK is for OnAck
//	     200 ms: 100 Trying          │ 3xx-6xx
//	                                 ▼
//	                             completed ──ACK──► confirmed: 5 s, absorbs
//	                              G: repeat at 0.5, 1, 2, 4 … s   H: 32 s, ErrNoAck
//
//	other ──► trying ──► proceeding ──► completed: 32 s, repeats the response
//
// On reliable transports nothing is repeated, and the waiting states that only
// absorb repetitions last no time.
//
// The waiting states are a map entry with the rendered bytes, not a goroutine
// nor a timer each. [Layer.Pending] counts everything that is not over, so
// that a test can see that it becomes nothing.
//
// # Order
//
// [Layer.Handle] runs on sipnet's read loops and calls the functions of its
// user itself: what came in order is heard in order, and a CANCEL read after
// its INVITE is handled after it. These functions must not block. They may
// call any method of this package.
//
// # Promises
//
// A request that reaches OnRequest has From, To, Call-ID, CSeq and a Via with
// a branch, fits its CSeq, and asks for nothing unknown; all others were
// answered here. A panic in a user's function ends that transaction, with 500
// if it is a request. Every transaction ends: by response, by time, by the
// loss of its flow, or by Stop. What strangers can make us remember is
// bounded: at most 20,000 live and 200,000 finished server transactions, 503
// and forgetting the oldest beyond.
package txn
