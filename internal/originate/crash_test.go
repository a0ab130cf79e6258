package originate_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// crashDir names the directory of a crash test's child: this test binary run
// again as a small server.
const crashDir = "DIALWRIGHT_CRASH_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := crashChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, "crash child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const crashCalls = 300

// crashChild is a server over the store in dir. It submits 300 calls by key
// (again after every restart) and ends when all have ended. What it was told yes to and
// what it dialled is appended to files that survive its death.
func crashChild(dir string) error {
	ctx := context.Background() // a process of its own: killed, not cancelled
	store, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "calls.db")})
	if err != nil {
		return err
	}
	accepted, err := appendTo(dir, "accepted")
	if err != nil {
		return err
	}
	dials, err := appendTo(dir, "dials")
	if err != nil {
		return err
	}
	p := policy()
	p.Limits["trunk:x"] = originate.Limits{Channels: 20}
	o := originate.New(originate.Options{
		Store: store, Router: router{}, Node: "n1", Policy: func() *originate.Policy { return p },
		Engine: placer(func(ctx context.Context, a call.Attempt, events func(call.Event)) call.Outcome {
			if err := dials(fmt.Sprintf("%s %d", a.Call, a.Number)); err != nil {
				panic(err)
			}
			events(call.Event{Type: call.EvRinging})
			wait(ctx, time.Duration(rand.IntN(40))*time.Millisecond)
			if rand.IntN(4) == 0 {
				return outcome(a, call.Busy)
			}
			events(call.Event{Type: call.EvAnswered})
			return outcome(a, call.Answered)
		}),
	})
	if err := o.Start(ctx); err != nil {
		return err
	}
	fmt.Println("started")
	if err := crashSubmit(ctx, o, accepted); err != nil {
		return err
	}
	for _, err := range o.Events(ctx, 0, originate.EventFilter{Types: []call.EventType{call.EvEnded}}) {
		if err != nil {
			return err
		}
		s, err := o.Stats(ctx)
		if err != nil {
			return err
		}
		if len(s.States) == 0 {
			break
		}
	}
	if err := o.Stop(ctx); err != nil {
		return err
	}
	return store.Close()
}

func crashSubmit(ctx context.Context, o *originate.Originator, accepted func(string) error) error {
	for i := range crashCalls {
		c, _, err := o.Submit(ctx, request(func(r *call.Request) {
			r.Key = fmt.Sprint("call ", i)
			r.Retry = call.Retry{Max: i % 3, Wait: time.Millisecond, Interrupted: i%2 == 0}
		}))
		if err != nil {
			return err
		}
		if err := accepted(string(c.ID)); err != nil {
			return err
		}
	}
	return nil
}

// appendTo gives a function that appends a line to a file in one write, on
// the disk when it returns.
func appendTo(dir, name string) (func(string) error, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY|os.O_SYNC, 0o600)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	return func(line string) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := io.WriteString(f, line+"\n")
		return err
	}, nil
}

// Promise 1 of the design: killed at random moments, the server loses no call
// that it accepted and dials no attempt twice.
func TestKill9LosesNoCallAndDialsNoneTwice(t *testing.T) {
	kills := 20
	if testing.Short() {
		kills = 5
	}
	dir := t.TempDir()
	done := 0
	for range kills {
		if crashRun(t, dir, time.Duration(1+rand.IntN(25))*time.Millisecond) {
			done++
		}
	}
	t.Logf("%d of %d runs were killed", kills-done, kills)
	if !crashRun(t, dir, 0) {
		t.Fatal("the last run did not end by itself")
	}
	crashCheck(t, dir)
}

// crashRun runs the child and kills it after a time from its start (0: lets it
// end). It reports whether the child ended by itself.
func crashRun(t *testing.T, dir string, after time.Duration) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if s, err := bufio.NewReader(out).ReadString('\n'); s != "started\n" {
		t.Fatalf("child said %q, %v", s, err)
	}
	if after > 0 {
		timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
		defer timer.Stop()
	}
	err = cmd.Wait()
	if err != nil && cmd.ProcessState.Exited() {
		t.Fatalf("child failed: %v", err)
	}
	return err == nil
}

// crashCheck compares what the children were told and did with the store.
func crashCheck(t *testing.T, dir string) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "calls.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	dialled := map[string]int{}
	for _, line := range lines(t, dir, "dials") {
		dialled[line]++
	}
	ids := map[string]bool{}
	for _, id := range lines(t, dir, "accepted") {
		ids[id] = true
	}
	if len(ids) != crashCalls {
		t.Errorf("%d different calls were accepted for %d keys", len(ids), crashCalls)
	}
	interrupted := 0
	for id := range ids {
		c, err := store.Get(t.Context(), call.ID(id))
		if err != nil {
			t.Errorf("call %s is lost: %v", id, err)
			continue
		}
		if !c.State.Done() || c.Reason == "" {
			t.Errorf("call %s is %s, reason %q", id, c.State, c.Reason)
		}
		attempts, err := store.Attempts(t.Context(), c.ID)
		if err != nil || len(attempts) != c.Attempts {
			t.Errorf("call %s: %d attempts of %d, %v", id, len(attempts), c.Attempts, err)
		}
		for i, a := range attempts {
			key := fmt.Sprintf("%s %d", id, a.Attempt.Number)
			n := dialled[key]
			delete(dialled, key)
			switch {
			case a.Outcome == nil || a.CDR == nil:
				t.Errorf("attempt %s has no outcome", key)
			case n > 1:
				t.Errorf("attempt %s was dialled %d times", key, n)
			case a.Outcome.Disposition == call.Interrupted:
				interrupted++
				if i+1 < len(attempts) && !c.Request.Retry.Interrupted {
					t.Errorf("call %s was dialled again after an interruption", id)
				}
			case n != 1:
				t.Errorf("attempt %s has outcome %s but was not dialled", key, a.Outcome.Disposition)
			}
		}
	}
	for key := range dialled {
		t.Errorf("attempt %s was dialled but is not in the store", key)
	}
	t.Logf("%d attempts were interrupted", interrupted)
}

func lines(t *testing.T, dir, name string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}
