package call

import "fmt"

// State is where a call stands.
//
//	scheduled ─► queued ─► dialing ─► ringing ─► answered ─┬─► connecting ─► connected ─► ended
//	    ▲          ▲          │          │           │     └─► confirming ─►┘      │
//	    │          │          └──────────┴───────────┴───────────┴────────────┴─► waiting-retry
//	    │          └──────────────────────────────────────────────────────────────────┘
//	    └ NotBefore lies ahead                 (every state but ended ─► cancelled)
type State string

// The states of a call.
const (
	Scheduled    State = "scheduled"     // accepted; NotBefore lies ahead
	Queued       State = "queued"        // due; waits for a free place under the caps
	Dialing      State = "dialing"       // an attempt is stored as started; leg A is being dialled
	Ringing      State = "ringing"       // leg A rings
	AnsweredSt   State = "answered"      // leg A has answered
	Confirming   State = "confirming"    // leg A is asked to press 1
	Connecting   State = "connecting"    // leg B is being dialled
	Connected    State = "connected"     // A and B are bridged, or Then runs
	WaitingRetry State = "waiting-retry" // an attempt has failed; another is to come
	Ended        State = "ended"         // over, with an outcome
	CancelledSt  State = "cancelled"     // over: withdrawn by whoever asked for it, or expired before an attempt
)

// Done reports whether s is a last state.
func (s State) Done() bool { return s == Ended || s == CancelledSt }

// Live reports whether an attempt is running in s.
func (s State) Live() bool {
	switch s {
	case Dialing, Ringing, AnsweredSt, Confirming, Connecting, Connected:
		return true
	}
	return false
}

// EventType says what happened to a call. Progress events come from the
// engine, the others from the originator.
type EventType string

// The events of a call.
const (
	EvAccepted   EventType = "call.accepted"   // stored
	EvDue        EventType = "call.due"        // scheduled or waiting-retry → queued
	EvStarted    EventType = "attempt.started" // attempt stored, about to be dialled
	EvRinging    EventType = "leg.ringing"     // leg A 180
	EvProgress   EventType = "leg.progress"    // leg A 183, early media
	EvAnswered   EventType = "leg.answered"    // leg A answered
	EvConfirming EventType = "call.confirming" // press-1 prompt begun
	EvConnecting EventType = "call.connecting" // leg B dialled
	EvBRinging   EventType = "leg.b.ringing"   // leg B 180
	EvBProgress  EventType = "leg.b.progress"  // leg B 183, early media
	EvConnected  EventType = "call.connected"  // bridged, or Then begun
	EvHeld       EventType = "leg.held"        // a phone put the call on hold
	EvResumed    EventType = "leg.resumed"     // and took it back
	EvAttemptEnd EventType = "attempt.ended"   // outcome stored; carries the CDR
	EvRetry      EventType = "call.retry"      // another attempt will follow at DueAt
	EvCancel     EventType = "call.cancelled"  // withdrawn
	EvExpired    EventType = "call.expired"    // NotAfter passed before an attempt
	EvEnded      EventType = "call.ended"      // over
)

// EventTypes lists them in the order of a call's life.
func EventTypes() []EventType {
	return []EventType{
		EvAccepted, EvDue, EvStarted, EvRinging, EvProgress, EvAnswered, EvConfirming, EvConnecting, EvBRinging, EvBProgress,
		EvConnected, EvHeld, EvResumed, EvAttemptEnd, EvRetry, EvCancel, EvExpired, EvEnded,
	}
}

// Next gives the state after event e in state s. It is the only place where
// states move. Events that do not move the state in s give s itself; events
// that make no sense in s give an error that names both.
func Next(s State, e EventType) (State, error) {
	if s.Done() {
		return s, fmt.Errorf("call is %s: %s is not possible", s, e)
	}
	switch e {
	case EvAccepted:
		if s == Scheduled || s == Queued {
			return s, nil
		}
	case EvDue:
		if s == Scheduled || s == WaitingRetry || s == Queued {
			return Queued, nil
		}
	case EvStarted:
		if s == Queued {
			return Dialing, nil
		}
	case EvRinging:
		if s == Dialing {
			return Ringing, nil
		}
		if s == Ringing {
			return s, nil
		}
	case EvProgress:
		if s == Dialing || s == Ringing {
			return s, nil
		}
	case EvAnswered:
		if s == Dialing || s == Ringing {
			return AnsweredSt, nil
		}
	case EvConfirming:
		if s == AnsweredSt {
			return Confirming, nil
		}
	case EvConnecting:
		if s == AnsweredSt || s == Confirming {
			return Connecting, nil
		}
	case EvBRinging, EvBProgress:
		if s == Connecting {
			return s, nil
		}
	case EvConnected:
		if s == AnsweredSt || s == Confirming || s == Connecting {
			return Connected, nil
		}
	case EvHeld, EvResumed:
		if s.Live() {
			return s, nil
		}
	case EvAttemptEnd:
		if s.Live() {
			return s, nil
		}
	case EvRetry:
		if s.Live() {
			return WaitingRetry, nil
		}
	case EvCancel:
		return CancelledSt, nil
	case EvExpired:
		if !s.Live() {
			return CancelledSt, nil
		}
	case EvEnded:
		if s.Live() || s == WaitingRetry || s == Queued {
			return Ended, nil
		}
	}
	return s, fmt.Errorf("call is %s: %s is not possible", s, e)
}
