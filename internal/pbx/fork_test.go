package pbx_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

func TestFork(t *testing.T) {
	tests := []struct {
		name    string
		targets []call.Endpoint
		winner  string
		disp    call.Disposition
		err     error
	}{
		{"first answer wins", []call.Endpoint{"Pretend/1180?ring=3s", "Pretend/2180?ring=1s", "Pretend/3000"}, "2180", "", nil},
		{"a refusal does not end the others", []call.Endpoint{"Pretend/1486", "Pretend/2180?ring=1s", "Pretend/unknown"}, "2180", "", nil},
		{"busy before congestion", []call.Endpoint{"Pretend/1503", "Pretend/2486", "Pretend/3404"}, "", call.Busy, nil},
		{"one did not answer", []call.Endpoint{"Pretend/1486", "Pretend/2480"}, "", call.NoAnswer, nil},
		{"nobody in time", []call.Endpoint{"Pretend/1180?ring=1h", "Pretend/2000"}, "", call.NoAnswer, nil},
		{"nobody to dial", nil, "", "", pbx.ErrEndpoint},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, phones := setup(t, pbx.Options{})
				defer stop(t, s)
				caller, err := s.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: "Pretend/100"}})
				if err != nil {
					t.Fatal(err)
				}
				c, err := s.Fork(t.Context(), pbx.ForkOptions{Targets: tt.targets, Caller: caller, Timeout: 20 * time.Second})
				if tt.winner != "" {
					if err != nil || c.Snapshot().Phone != tt.winner || c.State() != pbx.Up {
						t.Fatalf("winner %v, %v", c, err)
					}
					if live, _, _ := phones.Stats(); live != 2 {
						t.Errorf("%d legs are up, want caller and winner", live)
					}
					return
				}
				f, ok := errors.AsType[*call.Failure](err)
				if tt.err != nil && !errors.Is(err, tt.err) || tt.err == nil && (!ok || f.Disposition != tt.disp) {
					t.Errorf("%v, want %s %v", err, tt.disp, tt.err)
				}
				if live, _, _ := phones.Stats(); live != 1 {
					t.Errorf("%d legs are up, want the caller's", live)
				}
			})
		})
	}
}

// The caller's hangup and the end of ctx stop all phones.
func TestForkEnds(t *testing.T) {
	for _, who := range []string{"caller", "context"} {
		synctest.Test(t, func(t *testing.T) {
			s, phones := setup(t, pbx.Options{})
			defer stop(t, s)
			caller, err := s.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: "Pretend/100"}})
			if err != nil {
				t.Fatal(err)
			}
			want := pbx.ErrGone
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if who == "context" {
				want = errors.New("enough")
				time.AfterFunc(time.Second, func() { cancel(want) })
			} else {
				time.AfterFunc(time.Second, func() { caller.Hangup(0) })
			}
			_, err = s.Fork(ctx, pbx.ForkOptions{Targets: []call.Endpoint{"Pretend/1180?ring=1h", "Pretend/2000"}, Caller: caller})
			if !errors.Is(err, want) {
				t.Errorf("%s: %v", who, err)
			}
			caller.Hangup(0)
			<-caller.Gone()
			if live, _, _ := phones.Stats(); live != 0 {
				t.Errorf("%s: %d legs are up", who, live)
			}
		})
	}
}
