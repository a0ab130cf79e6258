package originate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// Ending is the end of an attempt as the store sees it inside the
// transaction: what Decide goes by.
type Ending struct {
	Call      call.Call // as stored, Attempts including this one
	Counted   int       // attempts that count towards Retry.Max, including this one unless Returned
	Outcome   call.Outcome
	Answered  bool   // of an interrupted attempt: it is known to have been answered
	Withdrawn string // who withdrew the call while the attempt ran, "" = nobody
	Returned  bool   // cut short by our own orderly stop
	Now       time.Time
}

// Verdict is what follows an attempt.
type Verdict struct {
	// Then lists the events after attempt.ended that move the call: EvEnded,
	// EvCancel, EvRetry, or EvRetry and EvDue.
	Then  []call.EventType
	DueAt time.Time // of EvRetry and EvDue
	// Reason says in words why the call ended, or why it is tried again.
	Reason string
}

// Decide says what follows the end of an attempt. It is pure. The rules, first match wins:
//
//  1. an answered call has ended, whoever hung up;
//  2. a withdrawn call is cancelled, whatever else the attempt brought;
//  3. an attempt cut short by our own stop is put back in the queue;
//  4. an attempt of unknown fate (its node died) ends the call unless
//     Retry.Interrupted, and always if it had been answered;
//  5. a permanent failure, one that Retry.On does not list, or one with a SIP
//     status of Retry.Not, ends the call;
//  6. so does the last attempt, and a next attempt that would begin at or after NotAfter;
//  7. else another attempt follows after Retry.WaitBy or Retry.Wait.
func Decide(e Ending) Verdict {
	r, out := e.Call.Request, e.Outcome
	ended := func(why string) Verdict {
		return Verdict{Then: []call.EventType{call.EvEnded}, Reason: why}
	}
	words := Describe(out)
	switch {
	case out.Disposition == call.Answered:
		if e.Withdrawn != "" {
			words += ", at the request of " + e.Withdrawn
		}
		return ended(words)
	case e.Withdrawn != "":
		return Verdict{Then: []call.EventType{call.EvCancel}, Reason: "withdrawn by " + e.Withdrawn + " during attempt " + fmt.Sprint(e.Call.Attempts)}
	case e.Returned:
		return Verdict{Then: []call.EventType{call.EvRetry, call.EvDue}, DueAt: e.Now,
			Reason: "the server stopped before an answer; the attempt does not count"}
	case out.Disposition == call.Cancelled:
		return Verdict{Then: []call.EventType{call.EvCancel}, Reason: words}
	case out.Disposition == call.Interrupted && e.Answered:
		return ended(words + "; not dialled again because it had been answered")
	case out.Disposition == call.Interrupted && !r.Retry.Interrupted:
		return ended(words + "; not dialled again because nobody knows whether the phone rang")
	case out.Failure != nil && out.Failure.Permanent:
		return ended(words + "; trying again cannot help")
	case out.Failure != nil && slices.Contains(r.Retry.Not, out.Failure.SIPStatus):
		return ended(words + "; not tried again after this status, by the request's rule")
	case out.Disposition != call.Interrupted && !slices.Contains(retried(r.Retry), out.Disposition):
		return ended(words + "; not retried by the request's rule")
	case e.Counted > r.Retry.Max:
		if r.Retry.Max > 0 {
			words += fmt.Sprintf("; all %d attempts are used up", r.Retry.Max+1)
		}
		return ended(words)
	}
	due := e.Now.Add(retryWait(r.Retry, out.Disposition)).Truncate(time.Millisecond)
	if !r.NotAfter.IsZero() && !due.Before(r.NotAfter) {
		return ended(words + "; the next attempt would come after the time limit")
	}
	return Verdict{Then: []call.EventType{call.EvRetry}, DueAt: due, Reason: words}
}

// retried gives the dispositions that r retries.
func retried(r call.Retry) []call.Disposition {
	if len(r.On) > 0 {
		return r.On
	}
	return []call.Disposition{call.Busy, call.NoAnswer, call.Congestion, call.Failed}
}

func retryWait(r call.Retry, d call.Disposition) time.Duration {
	if w, ok := r.WaitBy[d]; ok {
		return max(w, 0)
	}
	return max(r.Wait, 0)
}

// Describe says in words how an attempt ended.
func Describe(out call.Outcome) string {
	if out.Disposition == call.Answered {
		s := "answered"
		switch out.HangupBy {
		case "a", "b":
			s += "; leg " + strings.ToUpper(out.HangupBy) + " hung up"
		case "request":
			s += "; hung up on request"
		case "dialplan":
			s += "; ended by the dialplan"
		case "server":
			s += "; hung up by the server"
		case "limit":
			s += "; the longest connected time was reached"
		}
		if f := out.Failure; f != nil {
			s += " (" + f.Error() + ")"
		}
		return s
	}
	s := strings.ToLower(string(out.Disposition))
	if f := out.Failure; f != nil {
		s += ": " + f.Error()
	} else if out.A.Cause != 0 {
		s += ": " + cause.Code(out.A.Cause).String()
	}
	return s
}

// HadAnswered tells of an attempt whose node died in state s whether the journal
// knows that what was asked for had come about: leg A had answered, and with
// call.ThenConnect leg B was connected too.
func HadAnswered(r *call.Request, s call.State) bool {
	return s == call.Connected || s == call.AnsweredSt && r.Then.Kind != call.ThenConnect
}

// InterruptedOutcome is the outcome of an attempt whose node died. When an
// answered one ended nobody knows: it has no time of answer to be billed from.
func InterruptedOutcome(a call.Attempt, answered bool, now time.Time) call.Outcome {
	text, leg := "the server died while the attempt ran", call.Interrupted
	if answered {
		text, leg = "the server died while the call was up", call.Answered
	}
	return call.Outcome{
		Disposition: call.Interrupted,
		Failure:     &call.Failure{Leg: "a", Disposition: call.Interrupted, Text: text},
		A:           call.LegOutcome{Endpoint: a.RouteA.Endpoint, StartedAt: a.StartedAt, EndedAt: now, Disposition: leg},
		EndedAt:     now,
		HangupBy:    "server",
	}
}
