package ami

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// sessionActions are those about the session itself (spec: ami 8).
func (s *Server) sessionActions() []action {
	return []action{
		{"Login", "Log in to this session.", 0, s.login},
		{"Logoff", "Log off and close the session.", 0, s.logoff},
		{"Challenge", "Ask for a challenge to log in with MD5.", 0, s.challenge},
		{"Ping", "Keep the session alive.", 0, s.ping},
		{"Events", "Choose which events are sent.", 0, s.events},
		{"ListCommands", "List the actions that you may use.", 0, s.listCommands},
		{"WaitEvent", "Wait until an event happens.", 0, s.waitEvent},
		{"Filter", "Add a filter of events to this session.", wire.System, s.filter},
	}
}

func (s *Server) logoff(_ context.Context, q *request) answer {
	q.leaving = true
	return answer{wire.Response("Goodbye", q.id).Add("Message", "Thanks for all the fish.")}
}

func (s *Server) ping(_ context.Context, q *request) answer {
	return answer{wire.Response("Success", q.id).Add("Ping", "Pong").Add("Timestamp", timestamp(time.Now()))}
}

// timestamp writes seconds and microseconds since 1970.
func timestamp(t time.Time) string { return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000) }

// events is the action Events (spec: ami 5.1). With brokeneventsaction some of its
// answers are left out, as Asterisk once did (Asterisk: manager.c action_events).
func (s *Server) events(_ context.Context, q *request) answer {
	mask, ok := wire.ParseMask(q.get("EventMask"))
	broken := s.o.Config().BrokenEventsAction
	if !ok {
		if broken {
			return nil
		}
		return q.fail("Invalid event mask")
	}
	q.client.ask(mask)
	switch {
	case mask == 0:
		return answer{wire.Response("Success", q.id).Add("Events", "Off")}
	case mask == wire.All && broken:
		return nil
	}
	return answer{wire.Response("Success", q.id).Add("Events", "On")}
}

// listCommands lists what the user may use, in alphabetical order (spec: ami 8).
func (s *Server) listCommands(_ context.Context, q *request) answer {
	var list []*action
	for _, a := range s.table {
		if mayRun(q.user, a) {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *action) int { return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) })
	m := wire.Response("Success", q.id)
	for _, a := range list {
		m.Add(a.name, a.summary+"  (Priv: "+a.class.String()+")")
	}
	return answer{m}
}

// filter is the action Filter: it adds one to the session (spec: ami 5.3).
func (s *Server) filter(_ context.Context, q *request) answer {
	if !strings.EqualFold(q.get("Operation"), "Add") {
		return q.fail("Unknown operation")
	}
	f, err := wire.ParseFilter(q.get("MatchCriteria"), q.get("Filter"))
	if text, refused := errors.AsType[wire.Refusal](err); refused {
		return q.fail(text.Error())
	}
	if !q.client.addFilter(f) {
		return q.fail("Too many filters")
	}
	return q.done("Success")
}

// waitEvent waits until there is something to tell, or for so many seconds; without a
// number it waits for ever on a connection, and over HTTP for as long as it may. On a
// connection it ends when the client sends something else (Asterisk: manager.c
// action_waitevent).
func (s *Server) waitEvent(ctx context.Context, q *request) answer {
	var limit <-chan time.Time
	if wait, bounded := s.waitTime(q); bounded {
		t := time.NewTimer(wait)
		defer t.Stop()
		limit = t.C
	}
	a := q.done("Waiting for Event completed.")
	for {
		found := s.collect(q.client)
		if len(found) > 0 || !q.await(ctx, limit) {
			a = append(a, found...)
			end := wire.Event("WaitEventComplete", "")
			if q.id != "" {
				end.Add("ActionID", q.id)
			}
			return append(a, end)
		}
	}
}

// await waits until the bell rings; false: it is time to end.
func (q *request) await(ctx context.Context, limit <-chan time.Time) bool {
	var more <-chan input
	if q.client.session != nil {
		more = q.client.session.packets
	}
	select {
	case <-q.client.reader.bell:
		return true
	case in := <-more:
		q.client.session.next = &in
	case <-limit:
	case <-q.gone:
	case <-ctx.Done():
	}
	return false
}

// waitTime gives how long WaitEvent waits.
func (s *Server) waitTime(q *request) (wait time.Duration, bounded bool) {
	n, err := strconv.Atoi(strings.TrimSpace(q.get("Timeout")))
	if err != nil || n < 0 {
		n = -1
	}
	if !q.client.web {
		return time.Duration(min(n, 1<<30)) * time.Second, n >= 0
	}
	longest := max(cmp.Or(s.o.Config().HTTPTimeout, defaultHTTPTimeout)-10*time.Second, 0)
	if n < 0 {
		return longest, true
	}
	return min(time.Duration(min(n, 1<<30))*time.Second, longest), true
}

// maxCollected bounds the events in one answer, in bytes.
const maxCollected = 4 << 20

// collect takes the events that are there, at most what fits into one answer. Who has
// not asked for so long that some are gone gets those that are left.
func (s *Server) collect(c *client) answer {
	var out answer
	size := maxCollected
	for size > 0 {
		records, err := c.reader.take(nil, size)
		if err != nil {
			s.log.Warn("events are gone that were not waited for", "door", "ami", "remote", c.remote, "events", c.reader.skip())
			continue
		}
		if len(records) == 0 {
			return out
		}
		for i := range records {
			if r := &records[i]; c.passes(r) {
				out = append(out, wire.ParseMessage(r.text))
				s.count.events.Add(1)
			}
			size -= len(records[i].text)
		}
	}
	ring(c.reader.bell) // for what is left
	return out
}
