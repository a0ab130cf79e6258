package originate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dialwright/dialwright/internal/call"
)

// Known is what the engine behind the queue can carry out. What it cannot is
// refused at once: found out after the first party has answered, it would have rung
// a phone for nothing. A nil list restricts nothing, the zero value therefore
// accepts everything.
type Known struct {
	Kinds        []call.ThenKind // what can follow the answer
	Applications []string        // names for call.ThenApplication, in any case
	Codecs       []string        // names for call.Request.Codecs, in any case
}

// refuse refuses what the engine does not know. From a lenient request it takes
// the codecs that nobody knows, and leaves the rest to the engine.
func (k *Known) refuse(r *call.Request) *Refusal {
	invalid := func(field, format string, args ...any) *Refusal {
		return &Refusal{Code: RefusedInvalid, Field: field, Text: fmt.Sprintf(format, args...)}
	}
	if r.Lenient {
		r.Codecs = slices.DeleteFunc(slices.Clone(r.Codecs), func(c string) bool { return !knows(k.Codecs, c) })
		return nil
	}
	if k.Kinds != nil && !slices.Contains(k.Kinds, r.Then.Kind) {
		return invalid(string(r.Then.Kind), "This server cannot carry out %q after the answer. Use one of %s.", r.Then.Kind, words(k.Kinds))
	}
	if r.Then.Kind == call.ThenApplication && !knows(k.Applications, r.Then.Name) {
		return invalid("application.name", "There is no application %.80q. There are %s.", r.Then.Name, words(k.Applications))
	}
	for _, c := range r.Codecs {
		if !knows(k.Codecs, c) {
			return invalid("codecs", "There is no codec %.80q. There are %s.", c, words(k.Codecs))
		}
	}
	return nil
}

// knows reports whether a list holds a name, or restricts nothing.
func knows(names []string, name string) bool {
	return names == nil || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

func words[S ~string](names []S) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, ", ")
}

// invalidVariables refuses names that no dialplan could hold and values that
// would let a request grow without bound.
func invalidVariables(r *call.Request, _ time.Time) (field, text string) {
	most := maxVariables
	if r.Lenient { // a call file may have as many as wanted (spec: callfile 3 Set)
		most = maxLenientVariables
	}
	if len(r.Variables) > most {
		return "variables", fmt.Sprintf("At most %d variables are taken.", most)
	}
	for i, v := range r.Variables {
		switch {
		case strings.TrimLeft(v.Name, "_") == "":
			return "variables", fmt.Sprintf("Variable %d has no name.", i)
		case len(v.Name) > maxText:
			return "variables", fmt.Sprintf("The name of variable %d is longer than %d bytes.", i, maxText)
		case unprintable(v.Name):
			return "variables", fmt.Sprintf("The name of variable %d, %.80q, holds control characters or is not UTF-8.", i, v.Name)
		case len(v.Value) > maxValue:
			return "variables", fmt.Sprintf("The value of variable %d, %s, is longer than %d bytes.", i, v.Name, maxValue)
		}
	}
	if len(r.Codecs) > maxVariables {
		return "codecs", "The list is too long."
	}
	return "", ""
}

// invalidRetry refuses dispositions that no attempt can end with, and those
// after which nothing is tried again: a wait for them would never be used.
func invalidRetry(r *call.Request, _ time.Time) (field, text string) {
	if len(r.Retry.On)+len(r.Retry.WaitBy)+len(r.Retry.Not) > maxVariables {
		return "retry.on", "The list is too long."
	}
	for _, s := range r.Retry.Not {
		if s < 300 || s > 699 {
			return "retry.not", fmt.Sprintf("%d is no final SIP status that refuses a call.", s)
		}
	}
	retried := retried(call.Retry{})
	for _, d := range r.Retry.On {
		if !slices.Contains(retried, d) {
			return "retry.on", fmt.Sprintf("Nothing is tried again after %.80q. Use %s.", d, words(retried))
		}
	}
	waited := append(retried, call.Interrupted) // see Retry.Interrupted
	for _, d := range slices.Sorted(maps.Keys(r.Retry.WaitBy)) {
		if !slices.Contains(waited, d) {
			return "retry.wait_by", fmt.Sprintf("Nothing is tried again after %.80q. Use %s.", d, words(waited))
		}
	}
	return "", ""
}

// unprintable reports whether s could not stand in a header line.
func unprintable(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}
