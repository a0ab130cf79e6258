package pbx_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// What becomes of an attempt that asks leg A to press 1 (spec: vodia 4.9).
func TestPlaceConfirm(t *testing.T) {
	confirm := func(a *call.Attempt) { a.Request.Then.Confirm = true }
	short := func(a *call.Attempt) {
		a.Request.Then.Confirm, a.Request.Then.Prompts, a.Request.Then.PromptWait = true, 2, 3*time.Second
	}
	tests := []struct {
		name, a string
		how     func(*call.Attempt)
		disp    call.Disposition
		takes   time.Duration
	}{
		{"presses 1", "Pretend/100?digits=1&talk=10s", confirm, call.Answered, 10 * time.Second},
		{"presses 2, then 1", "Pretend/100?digits=21&talk=10s", confirm, call.Answered, 10 * time.Second},
		{"presses others, then 1 in the second round", "Pretend/100?digits=2345678900%23*234567890234567890231&talk=10s", confirm, call.Answered, 10 * time.Second},
		{"presses nothing", "Pretend/100", confirm, call.NoAnswer, 15 * time.Second},
		{"presses others only", "Pretend/100?digits=2345", confirm, call.NoAnswer, 15 * time.Second},
		{"presses nothing, twice", "Pretend/100", short, call.NoAnswer, 6 * time.Second},
		{"hangs up", "Pretend/100?talk=2s", confirm, call.Cancelled, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := setup(t, pbx.Options{})
				defer stop(t, s)
				start := time.Now()
				out, events := place(t, pbx.NewEngine(s), t.Context(), attempt(tt.a, "Pretend/200", tt.how))
				if out.Disposition != tt.disp || out.EndedAt.Sub(start) != tt.takes {
					t.Errorf("%s after %v, want %s after %v", out.Disposition, out.EndedAt.Sub(start), tt.disp, tt.takes)
				}
				if i := slices.Index(events, call.EvConfirming); i != 1 {
					t.Errorf("events: %v", events)
				}
				if tt.disp != call.Answered && out.Failure.Leg != "a" {
					t.Errorf("failure: %+v", out.Failure)
				}
				want := map[call.Disposition]string{call.Answered: call.Completed, call.NoAnswer: call.NotConfirmed}[tt.disp]
				if out.Detail != want || want == call.NotConfirmed && out.HangupBy != "server" {
					t.Errorf("detail %q, hung up by %q; want %q", out.Detail, out.HangupBy, want)
				}
			})
		})
	}
}

// pressing is an attempt in a studio whose leg A has answered and is asked to press 1.
type pressing struct {
	*studio
	a     *talker
	ended chan call.Outcome
}

// press begins such an attempt.
func (st *studio) press(ctx context.Context, change ...func(*call.Attempt)) *pressing {
	at := attempt("Studio/a", "Studio/b", append(change, func(a *call.Attempt) { a.Request.Then.Confirm = true })...)
	x := &pressing{studio: st, ended: make(chan call.Outcome, 1)}
	go func() {
		out, err := pbx.NewEngineWith(st.s, pbx.EngineOptions{}).Place(ctx, at, nil)
		if err != nil {
			st.t.Error(err)
		}
		x.ended <- out
	}()
	synctest.Wait()
	x.a = st.phone("a")
	x.a.does(pbx.LegAnswered)
	return x
}

// dialled says whether leg B has been requested.
func (x *pressing) dialled() bool {
	synctest.Wait()
	return x.phone("b") != nil
}

// The prompt is played three times, five seconds of silence after each; then leg A is
// released, and leg B was never touched.
func TestPromptThreeTimes(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		events, stop := st.s.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.PlaybackStarted, pbx.PlaybackFinished}}, 10)
		defer stop()
		x := st.press(t.Context())
		out := <-x.ended
		if out.Detail != call.NotConfirmed || x.dialled() {
			t.Errorf("outcome %+v, leg B dialled: %v", out, x.dialled())
		}
		ended := time.Time{}
		for i := range 3 {
			begun, done := <-events, <-events
			if begun.Type != pbx.PlaybackStarted || done.Type != pbx.PlaybackFinished || begun.Playback.MediaURI != pbx.PromptPress1 {
				t.Fatalf("round %d: %s %q, %s", i, begun.Type, begun.Playback.MediaURI, done.Type)
			}
			if long := done.At.Sub(begun.At); long < time.Second || long > 20*time.Second {
				t.Errorf("the prompt lasts %v", long)
			}
			if pause := begun.At.Sub(ended); i > 0 && pause != 5*time.Second {
				t.Errorf("round %d begins %v after the last", i, pause)
			}
			ended = done.At
		}
		if pause := out.EndedAt.Sub(ended); pause != 5*time.Second {
			t.Errorf("released %v after the last prompt", pause)
		}
		if len(events) > 0 {
			t.Errorf("a fourth prompt: %+v", <-events)
		}
	})
}

// 1 is understood in the audio (RFC 4733) and by SIP INFO, while the prompt plays, after it,
// and after digits that mean nothing.
func TestPressed(t *testing.T) {
	rtp := func(x *pressing, d rune) { x.a.phone.SendDTMF(string(d), media.DTMFOptions{}, nil) }
	info := func(x *pressing, d rune) {
		x.a.on(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: d, Duration: 100 * time.Millisecond})
	}
	for name, send := range map[string]func(*pressing, rune){"rtp": rtp, "info": info} {
		for when, after := range map[string]time.Duration{"in the prompt": 300 * time.Millisecond, "in the pause": 0, "in the last pause": -1} {
			t.Run(name+" "+when, func(t *testing.T) {
				inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
					finished, stop := st.s.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.PlaybackFinished}}, 10)
					defer stop()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					x := st.press(ctx)
					switch after {
					case -1:
						<-finished
						<-finished
						fallthrough
					case 0:
						<-finished
					}
					<-time.After(max(after, time.Millisecond))
					for _, d := range "29*#0" {
						send(x, d)
						<-time.After(300 * time.Millisecond)
						if x.dialled() {
							t.Fatalf("%c has dialled leg B", d)
						}
					}
					send(x, '1')
					<-time.After(300 * time.Millisecond)
					if !x.dialled() {
						t.Fatal("1 has not dialled leg B")
					}
					cancel()
					<-x.ended
				})
			})
		}
	}
}

// Who withdraws the call while the prompt plays, or hangs up, ends it at once.
func TestPressEnds(t *testing.T) {
	why := errors.New("withdrawn")
	for name, end := range map[string]func(*pressing, context.CancelCauseFunc){
		"withdrawn":    func(_ *pressing, cancel context.CancelCauseFunc) { cancel(why) },
		"phone leaves": func(x *pressing, _ context.CancelCauseFunc) { x.a.end(pbx.LegEvent{ByPeer: true, Cause: 16}) },
	} {
		t.Run(name, func(t *testing.T) {
			inStudio(t, pbx.Options{Linger: -1}, func(t *testing.T, st *studio) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				x := st.press(ctx)
				end(x, cancel)
				began := time.Now()
				if out := <-x.ended; out.Disposition != call.Cancelled || out.Detail != "" || time.Since(began) > 0 || x.dialled() {
					t.Errorf("%+v after %v", out, time.Since(began))
				}
			})
		})
	}
}

// Leg A shows whom it is to be connected with, leg B what the request says; neither is mixed up.
func TestCalleeIsShown(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		x := st.press(ctx, func(a *call.Attempt) {
			a.Request.Callee = call.CallerID{Name: "Dr. B", Number: "6173998147"}
		})
		x.a.on(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: '1'})
		if !x.dialled() {
			t.Fatal("leg B is not dialled")
		}
		if got := x.a.heard(); !slices.Contains(got, "dial as 6173998147") {
			t.Errorf("leg A: %q", got)
		}
		if got := x.phone("b").heard(); !slices.Contains(got, "dial as 4711") {
			t.Errorf("leg B: %q", got)
		}
		cancel()
		<-x.ended
	})
}
