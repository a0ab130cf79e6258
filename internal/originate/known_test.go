package originate_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// What the engine cannot carry out, and fields that mean nothing, are refused
// before anybody's phone rings; the text says what there is.
func TestWhatNobodyKnowsIsRefused(t *testing.T) {
	application := func(name string) func(*call.Request) {
		return func(r *call.Request) { r.Then = call.Then{Kind: call.ThenApplication, Name: name} }
	}
	for _, c := range []struct {
		name   string
		change func(*call.Request)
		field  string // "" = accepted
		text   string
	}{
		{"application", application("Frobnicate"), "application.name", "Echo, Playback"},
		{"known application", application("echo"), "", ""},
		{"kind", func(r *call.Request) { r.Then = call.Then{Kind: call.ThenApp, Name: "x"} }, "app", "connect, application"},
		{"application, lenient", func(r *call.Request) {
			r.Lenient, r.Codecs, r.Then = true, []string{"mp3"}, call.Then{Kind: call.ThenApplication, Name: "Frobnicate"}
		}, "", ""},
		{"no context, lenient", func(r *call.Request) {
			r.Lenient, r.Then = true, call.Then{Kind: call.ThenDialplan, Extension: "100"}
		}, "", ""},
		{"no retry on a status", func(r *call.Request) { r.Retry.Not = []int{404, 200} }, "retry.not", "200 is no final"},
		{"codec", func(r *call.Request) { r.Codecs = []string{"PCMU", "mp3"} }, "codecs", "opus, pcmu"},
		{"known codec", func(r *call.Request) { r.Codecs = []string{"PCMU"} }, "", ""},
		{"variable with a line break", func(r *call.Request) { r.Variables = []call.Variable{{Name: "A"}, {Name: "a\nb"}} }, "variables", "variable 1"},
		{"variable's text may have lines", func(r *call.Request) { r.Variables = []call.Variable{{Name: "A", Value: "a\nb"}} }, "", ""},
		{"long variable", func(r *call.Request) { r.Variables = []call.Variable{{Name: "A", Value: strings.Repeat("x", 9000)}} }, "variables", "A, is longer"},
		{"many variables", func(r *call.Request) { r.Variables = slices.Repeat([]call.Variable{{Name: "A"}}, 501) }, "variables", "At most 500"},
		{"many variables, lenient", func(r *call.Request) {
			r.Lenient, r.Variables = true, slices.Repeat([]call.Variable{{Name: "A"}}, 10_000)
		}, "", ""},
		{"too many variables, lenient", func(r *call.Request) {
			r.Lenient, r.Variables = true, slices.Repeat([]call.Variable{{Name: "A"}}, 10_001)
		}, "variables", "At most 10000"},
		{"retry on", func(r *call.Request) { r.Retry.On = []call.Disposition{"LATE"} }, "retry.on", "NO ANSWER"},
		{"wait by", func(r *call.Request) { r.Retry.WaitBy = map[call.Disposition]time.Duration{"ANSWERED": 1} }, "retry.wait_by", "NO ANSWER"},
		{"wait after an interruption", func(r *call.Request) { r.Retry.WaitBy = map[call.Disposition]time.Duration{call.Interrupted: 1} }, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := setup(t, always(call.Answered), func(o *originate.Options, _ *originate.Policy) {
					o.Known = originate.Known{
						Kinds:        []call.ThenKind{call.ThenConnect, call.ThenApplication},
						Applications: []string{"Echo", "Playback"}, Codecs: []string{"opus", "pcmu"},
					}
				})
				_, _, err := v.Submit(t.Context(), request(c.change))
				if c.field == "" {
					if err != nil {
						t.Fatal(err)
					}
					return
				}
				if r := refused(t, err, originate.RefusedInvalid); r.Field != c.field || !strings.Contains(r.Text, c.text) {
					t.Errorf("refusal %+v, want field %s and %q", r, c.field, c.text)
				}
			})
		})
	}
}

// An endpoint that routing does not know is accepted from a request that is late,
// and the engine hears that it is not known; what routing does know, the guard judges.
func TestLateRequestsFailWhenDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []call.Route
		v := setup(t, placer(func(_ context.Context, a call.Attempt, _ func(call.Event)) call.Outcome {
			got = append(got, a.RouteA)
			return outcome(a, call.Failed)
		}), nil)
		late := func(first call.Endpoint) func(*call.Request) {
			return func(r *call.Request) { r.First, r.Late = first, true }
		}
		c, _, err := v.Submit(t.Context(), request(late("nowhere")))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := v.Submit(t.Context(), request(late("+1900555@x"))); err == nil {
			t.Error("the guard let a premium number pass")
		}
		synctest.Wait()
		if len(got) != 1 || got[0].Unknown == "" || got[0].Endpoint != "nowhere" || c.RouteA != got[0] {
			t.Errorf("attempts with routes %+v", got)
		}
	})
}
