package cli

import (
	"context"
	"fmt"
)

// stopCommands end the server or start it again.
func (s *Shell) stopCommands() []command {
	there := s.o.Server != nil
	var out []command
	for _, how := range []struct{ how, summary, text string }{
		{"now", "%s the server at once", "Hangs up all calls and %s the server at once."},
		{"gracefully", "%s the server when calls have ended", "Takes no new calls, waits until those that there are have ended, and %s\n       the server then."},
		{"when convenient", "%s the server when there is no call", "Waits until there is no call, and %s the server then. New calls are taken\n       until then."},
	} {
		for _, restart := range []bool{false, true} {
			verb, title, does := "stop", "Stop", "stops"
			if restart {
				verb, title, does = "restart", "Restart", "restarts"
			}
			words := "core " + verb + " " + how.how
			out = append(out, command{
				words: words, summary: fmt.Sprintf(how.summary, title), usage: "Usage: " + words + "\n       " + fmt.Sprintf(how.text, does) + "\n",
				there: there, changes: true,
				run: func(_ context.Context, q *ask) Outcome { return stop(q, how.how, restart) },
			})
		}
	}
	return append(out, command{
		words: "core abort shutdown", summary: "Go on after all", usage: "Usage: core abort shutdown\n       Takes back a stop or restart that waits for calls to end.\n",
		there: there, changes: true, run: abortShutdown,
	})
}

// stop asks the server to end. A stop that waits can be taken back; one that cannot be
// begun says why.
func stop(q *ask, how string, restart bool) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	if err := q.s.o.Server.Stop(how, restart); err != nil {
		q.printf("%v\n", err)
		return Failed
	}
	if how != "now" {
		what := "halt"
		if restart {
			what = "restart"
		}
		q.printf("Waiting for inactivity to perform %s\n", what)
	}
	return Done
}

func abortShutdown(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	if !q.s.o.Server.AbortStop() {
		q.print("No stop or restart is waiting.\n")
		return Failed
	}
	return Done
}
