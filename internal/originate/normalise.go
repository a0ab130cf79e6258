package originate

import (
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Bounds of a request. They are far above what telephony needs and keep a
// single request from growing the store.
const (
	maxText      = 512 // bytes of an endpoint, a name, a reference
	maxValue     = 8 << 10
	maxVariables = 500
	maxRetries   = 1000
	maxPrompts   = 20

	maxLenientVariables = 10_000
	maxWait             = 366 * 24 * time.Hour
	maxPriority         = 1 << 31
)

// identify checks who asks, and brings the request into its full form: every
// default filled in, all times UTC in milliseconds.
func (q *asked) identify(now time.Time) *Refusal {
	if r := q.who(); r != nil {
		return r
	}
	if r := invalid(q.request, now); r != nil {
		return r
	}
	r, d := q.request, q.policy.Defaults.orDefault()
	if r.WaitTime == 0 {
		r.WaitTime = d.WaitTime
	}
	if r.Then.Kind == call.ThenConnect && r.Then.WaitTime == 0 {
		r.Then.WaitTime = d.SecondWait
	}
	if r.Retry.Max > 0 && r.Retry.Wait == 0 {
		r.Retry.Wait = d.RetryWait
	}
	r.NotBefore, r.NotAfter = milli(r.NotBefore), milli(r.NotAfter)
	return nil
}

func milli(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

// invalid refuses a request that makes no sense by itself.
func invalid(r *call.Request, now time.Time) *Refusal {
	for _, check := range []func(*call.Request, time.Time) (field, text string){
		invalidThen, invalidTexts, invalidTimes, invalidVariables, invalidRetry,
	} {
		if field, text := check(r, now); text != "" {
			return &Refusal{Code: RefusedInvalid, Field: field, Text: text}
		}
	}
	return nil
}

func invalidThen(r *call.Request, _ time.Time) (field, text string) {
	if strings.TrimSpace(string(r.First)) == "" {
		return "first", "The request names no first party. Say whom to ring."
	}
	switch t := r.Then; t.Kind {
	case call.ThenConnect:
		if strings.TrimSpace(string(t.Second)) == "" {
			return "then.second", "The request names no second party. Say whom to connect."
		}
	case call.ThenDialplan:
		if t.Context == "" && !r.Lenient || t.Extension == "" { // without a context: the channel's own
			return "then.context", "A dialplan destination needs a context and an extension."
		}
	case call.ThenApplication, call.ThenApp:
		if t.Name == "" {
			return "then.name", "The request names no application."
		}
	default:
		return "then.kind", fmt.Sprintf("Unknown kind %q. Use connect, dialplan, application or app.", t.Kind)
	}
	return "", ""
}

// invalidTexts refuses what could not be carried in a header line, and what is too long.
func invalidTexts(r *call.Request, _ time.Time) (field, text string) {
	for _, f := range []struct{ field, value string }{
		{"first", string(r.First)}, {"then.second", string(r.Then.Second)}, {"then.context", r.Then.Context},
		{"then.extension", r.Then.Extension}, {"then.priority", r.Then.Priority}, {"then.name", r.Then.Name},
		{"then.prompt", r.Then.Prompt}, {"caller_id.name", r.CallerID.Name}, {"caller_id.number", r.CallerID.Number},
		{"callee.name", r.Callee.Name}, {"callee.number", r.Callee.Number},
		{"batch", string(r.Batch)}, {"key", r.Key}, {"origin.reference", r.Origin.Reference}, {"account", string(r.Account)},
	} {
		if len(f.value) > maxText {
			return f.field, fmt.Sprintf("The value is longer than %d bytes.", maxText)
		}
		if unprintable(f.value) {
			return f.field, "The value holds control characters or is not UTF-8."
		}
	}
	if len(r.Then.Data) > maxValue {
		return "then.data", fmt.Sprintf("The value is longer than %d bytes.", maxValue)
	}
	return "", ""
}

func invalidTimes(r *call.Request, now time.Time) (field, text string) {
	for _, f := range []struct {
		field string
		value time.Duration
	}{
		{"wait_time", r.WaitTime}, {"then.wait_time", r.Then.WaitTime}, {"then.max_time", r.Then.MaxTime},
		{"then.prompt_wait", r.Then.PromptWait}, {"then.fail_tone", r.Then.FailTone}, {"retry.wait", r.Retry.Wait},
	} {
		if f.value < 0 || f.value > maxWait {
			return f.field, "The time is negative or longer than a year."
		}
	}
	for _, w := range r.Retry.WaitBy {
		if w < 0 || w > maxWait {
			return "retry.wait_by", "A time is negative or longer than a year."
		}
	}
	if r.Then.Prompts < 0 || r.Then.Prompts > maxPrompts {
		return "then.prompts", fmt.Sprintf("Between 0 and %d prompts are possible.", maxPrompts)
	}
	if r.Retry.Max < 0 || r.Retry.Max > maxRetries {
		return "retry.max", fmt.Sprintf("Between 0 and %d retries are possible.", maxRetries)
	}
	if r.Priority < -maxPriority || r.Priority > maxPriority {
		return "priority", "The priority is out of range."
	}
	for _, t := range []time.Time{r.NotBefore, r.NotAfter} {
		if !t.IsZero() && (t.Year() < 1970 || t.Year() > 9000) {
			return "not_before", "A time is out of range."
		}
	}
	if !r.NotAfter.IsZero() && (!r.NotAfter.After(now) || !r.NotAfter.After(r.NotBefore)) {
		return "not_after", "The time limit has passed, or lies before the begin. Nothing could be dialled."
	}
	return "", ""
}
