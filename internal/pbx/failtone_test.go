package pbx_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// failing places an attempt whose leg A has answered and whose leg B is refused with a cause,
// 0 = it cannot even be requested.
func (st *studio) failing(ctx context.Context, o pbx.EngineOptions, at call.Attempt, code cause.Code) (a *talker, ended <-chan call.Outcome) {
	st.t.Helper()
	done := make(chan call.Outcome, 1)
	go func() {
		out, err := pbx.NewEngineWith(st.s, o).Place(ctx, at, nil)
		if err != nil {
			st.t.Error(err)
		}
		done <- out
	}()
	synctest.Wait()
	a = st.phone("a")
	a.does(pbx.LegAnswered)
	if b := st.phone("b"); b != nil {
		b.on(pbx.LegEvent{Kind: pbx.LegEnded, ByPeer: true, Cause: code})
		synctest.Wait()
	}
	return a, done
}

// failTone lets a request say how long leg A hears why there is no leg B.
func failTone(d time.Duration) func(*call.Attempt) {
	return func(a *call.Attempt) { a.Request.Then.FailTone = d }
}

// With FailTone, the engine's or the request's, a waiting A hears why there is no B, for so
// long and no longer; without it A is released at once (spec: vodia 4.9 step 4).
func TestFailTone(t *testing.T) {
	const ten = 10 * time.Second
	for _, tt := range []struct {
		name   string
		engine time.Duration
		second string
		how    func(*call.Attempt)
		cause  cause.Code
		tone   int // Hz
		on     time.Duration
		disp   call.Disposition
	}{
		{"busy, by the engine", ten, "Studio/b", failTone(0), cause.UserBusy, 425, ten, call.Busy},
		{"busy, by the request", 0, "Studio/b", failTone(ten), cause.UserBusy, 425, ten, call.Busy},
		{"the request counts more", time.Minute, "Studio/b", failTone(ten), cause.UserBusy, 425, ten, call.Busy},
		{"no answer", 0, "Studio/b", failTone(ten), cause.NoAnswer, 425, ten, call.NoAnswer},
		{"no such number", 0, "Studio/b", failTone(ten), cause.Unallocated, 425, ten, call.Failed},
		{"no such technology", 0, "None/b", failTone(ten), 0, 425, ten, call.Failed},
		{"without", 0, "Studio/b", failTone(0), cause.UserBusy, 0, 0, call.Busy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inStudio(t, pbx.Options{Country: "de", Linger: -1}, func(t *testing.T, st *studio) {
				a, ended := st.failing(t.Context(), pbx.EngineOptions{FailTone: tt.engine}, attempt("Studio/a", tt.second, tt.how), tt.cause)
				began := time.Now()
				if tt.tone != 0 {
					if hz := a.hears(); hz < tt.tone-5 || hz > tt.tone+5 {
						t.Errorf("A hears %d Hz", hz)
					}
				}
				out := <-ended
				if out.Disposition != tt.disp || out.Failure.Leg != "b" || out.A.Disposition != call.Answered {
					t.Errorf("outcome: %+v", out)
				}
				if heard := time.Since(began); heard != tt.on {
					t.Errorf("A was released after %v, want %v", heard, tt.on)
				}
			})
		})
	}
}

// Who hangs up while the tone plays, or withdraws the call, need not listen to its end; the
// reason stays that of leg B.
func TestFailToneEndsEarly(t *testing.T) {
	for name, end := range map[string]func(*talker, context.CancelFunc){
		"hung up":   func(a *talker, _ context.CancelFunc) { a.end(pbx.LegEvent{ByPeer: true, Cause: 16}) },
		"withdrawn": func(_ *talker, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			inStudio(t, pbx.Options{Linger: -1}, func(t *testing.T, st *studio) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				a, ended := st.failing(ctx, pbx.EngineOptions{}, attempt("Studio/a", "Studio/b", failTone(10*time.Second)), cause.UserBusy)
				<-time.After(3 * time.Second)
				end(a, cancel)
				began := time.Now()
				if out := <-ended; out.Disposition != call.Busy || out.Failure.Leg != "b" || time.Since(began) > 0 {
					t.Errorf("%+v after %v", out, time.Since(began))
				}
			})
		})
	}
}
