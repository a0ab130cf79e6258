package ami

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// sleepy adds an action that takes its time. wake takes two things: the first when it has
// begun, and the second ends it.
func sleepy(s *Server, wake <-chan struct{}) {
	s.table["sleep"] = &action{"Sleep", "Sleep.", 0, func(ctx context.Context, q *request) answer {
		<-wake
		select {
		case <-wake:
		case <-ctx.Done():
		}
		return q.list("Sleep will follow", "SleepComplete", []*wire.Message{wire.Event("Dream", "").Add("ActionID", q.id)})
	}}
	s.count.actions["Sleep"] = s.count.actions["Ping"]
}

// While an action runs nothing else is sent; what has happened comes after its answer, and
// so does the next action (spec: ami 1, rules 9 to 11).
func TestEventsWaitForTheAnswer(t *testing.T) {
	t.Parallel()
	l := listening(t, nil)
	wake := make(chan struct{})
	sleepy(l.server, wake)
	u, other := l.login("tracer", "tracepw", "user"), l.login("tracer", "tracepw", "user")
	u.send("Action: Sleep\r\nActionID: 1\r\n\r\nAction: Events\r\nEventMask: user\r\n\r\n")
	wake <- struct{}{}
	l.happen("first")
	l.happen("second")
	other.want("Event: UserEvent", "Privilege: user,all", "UserEvent: first")
	other.want("Event: UserEvent", "Privilege: user,all", "UserEvent: second")
	wake <- struct{}{}
	u.want("Response: Success", "ActionID: 1", "EventList: start", "Message: Sleep will follow")
	u.want("Event: Dream", "ActionID: 1")
	u.want("Event: SleepComplete", "ActionID: 1", "EventList: Complete", "ListItems: 1")
	got := []string{u.next(), u.next(), u.next()} // the answer comes before, between or after them
	var events []string
	for _, p := range got {
		if strings.HasPrefix(p, "Event") {
			events = append(events, p[strings.LastIndexByte(p, ' ')+1:])
		} else if p != "Response: Success\nEvents: On" {
			t.Error(p)
		}
	}
	if fmt.Sprint(events) != "[first second]" {
		t.Error(events)
	}
}

// A session that its own action holds back so long that events are gone gets the answer
// that it waits for, and is closed then.
func TestBehindDuringAnAction(t *testing.T) {
	t.Parallel()
	l := listening(t, func(_ *Options, c *Config) { c.EventQueue = 100 })
	wake := make(chan struct{})
	sleepy(l.server, wake)
	u, other := l.login("tracer", "tracepw", "user"), l.login("tracer", "tracepw", "user")
	u.say("Action: Sleep", "ActionID: 1")
	wake <- struct{}{}
	for range 300 {
		l.happen("x")
		other.want("Event: UserEvent", "Privilege: user,all", "UserEvent: x")
	}
	wake <- struct{}{}
	u.want("Response: Success", "ActionID: 1", "EventList: start", "Message: Sleep will follow")
	u.want("Event: Dream", "ActionID: 1")
	u.want("Event: SleepComplete", "ActionID: 1", "EventList: Complete", "ListItems: 1")
	u.ended()
	if s := l.server.Stats(); s.ReadersDropped != 1 || !strings.Contains(l.logs.String(), "client does not take its events") {
		t.Errorf("%+v\n%s", s, l.logs)
	}
}

func TestEventsByMaskAndFilter(t *testing.T) {
	t.Parallel()
	l := listening(t, func(_ *Options, c *Config) {
		c.DisabledEvents = []string{"reload"}
		c.Users[0].Filters = []wire.Filter{mustFilter(t, "action(exclude),header(UserEvent),method(exact)", "secret")}
	})
	u, deaf, web := l.login("tracer", "tracepw", "on"), l.login("tracer", "tracepw", "call"), l.login("webinterface", "webinterface", "on")
	if got := u.next(); !strings.HasPrefix(got, "Event: FullyBooted") {
		t.Fatal(got)
	}
	u.say("Action: Filter", "Operation: add", "MatchCriteria: name(UserEvent)")
	u.want("Response: Success", "Message: Success")
	tell := func() {
		l.happen("secret")
		l.sw.Tell(reloadEvent())
		l.happen("open", wire.Header{Name: "A", Value: "1\r\nEvent: Fake\r\n\r\n"}, wire.Header{Name: "B\r\n", Value: "\x00"})
	}
	tell()
	u.want("Event: UserEvent", "Privilege: user,all", "UserEvent: open", "A: 1Event: Fake", "B: ") // no line of a client's own
	web.want("Event: UserEvent", "Privilege: user,all", "UserEvent: secret")                       // filters of another user
	deaf.say("Action: Events", "EventMask: user")
	deaf.want("Response: Success", "Events: On") // what it has not wanted before does not come now
	tell()
	deaf.want("Event: UserEvent", "Privilege: user,all", "UserEvent: open", "A: 1Event: Fake", "B: ")
	if s := l.server.Stats(); s.Events != 4 || s.Actions["Filter"] != 1 {
		t.Errorf("%+v", s)
	}
}

func TestTooManyFilters(t *testing.T) {
	l := listening(t, nil)
	u := l.login("tracer", "tracepw", "off")
	for range maxFilters {
		u.say("Action: Filter", "Operation: Add", "Filter: x")
		u.want("Response: Success", "Message: Success")
	}
	u.say("Action: Filter", "Operation: Add", "Filter: x")
	u.want("Response: Error", "Message: Too many filters")
}

// WaitEvent gives what happens in its answer, and ends when the client says something
// else, when its time is over, and when the server stops.
func TestWaitEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil)
		u := l.pipe()
		u.banner()
		u.enter("tracer", "tracepw", "user")
		u.say("Action: WaitEvent", "ActionID: 1")
		synctest.Wait()
		l.happen("x")
		u.want("Response: Success", "ActionID: 1", "Message: Waiting for Event completed.")
		u.want("Event: UserEvent", "Privilege: user,all", "UserEvent: x")
		u.want("Event: WaitEventComplete", "ActionID: 1")

		begun := time.Now()
		u.say("Action: WaitEvent", "Timeout: 7")
		u.want("Response: Success", "Message: Waiting for Event completed.")
		u.want("Event: WaitEventComplete")
		if took := time.Since(begun); took != 7*time.Second {
			t.Errorf("it waited %v", took)
		}
		u.say("Action: WaitEvent", "Timeout: -1")
		u.say("Action: Events", "EventMask: off")
		u.want("Response: Success", "Message: Waiting for Event completed.")
		u.want("Event: WaitEventComplete")
		u.want("Response: Success", "Events: Off")
		u.say("Action: WaitEvent")
		synctest.Wait()
		stopped := make(chan error)
		go func() { stopped <- l.server.Stop(context.Background()) }()
		u.want("Response: Success", "Message: Waiting for Event completed.")
		u.want("Event: WaitEventComplete")
		u.ended()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// What has happened before the server stops is still told.
func TestStopTellsTheRest(t *testing.T) {
	t.Parallel()
	l := listening(t, nil)
	u, stranger := l.login("tracer", "tracepw", "user"), l.connect()
	stranger.banner()
	for range 3000 {
		l.happen("x")
	}
	stopped := make(chan error)
	go func() { stopped <- l.server.Stop(context.Background()) }()
	for range 3000 {
		u.want("Event: UserEvent", "Privilege: user,all", "UserEvent: x")
	}
	u.ended()
	stranger.ended()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", u.conn.RemoteAddr().String()); err == nil {
		t.Error("it still listens")
	}
}

// A client that does not read is cut when the time to stop is over.
func TestStopCuts(t *testing.T) {
	l := listening(t, func(_ *Options, c *Config) { c.EventQueue = 1 << 20; c.EventQueueSize = 1 << 30 })
	u := l.login("tracer", "tracepw", "user")
	for range 100 {
		for range 200 {
			l.happen(strings.Repeat("x", 1000))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.server.Stop(ctx); err != context.DeadlineExceeded {
		t.Error(err)
	}
	_ = u.conn.Close()
}

func TestBrokenEventsAction(t *testing.T) {
	l := listening(t, func(_ *Options, c *Config) { c.BrokenEventsAction = true })
	u := l.login("tracer", "tracepw", "off")
	u.say("Action: Events", "ActionID: 1", "EventMask: ")
	u.say("Action: Events", "ActionID: 2", "EventMask: on")
	u.say("Action: Events", "ActionID: 3", "EventMask: call")
	u.want("Response: Success", "ActionID: 3", "Events: On")
	u.say("Action: Events", "ActionID: 4", "EventMask: off")
	u.want("Response: Success", "ActionID: 4", "Events: Off")
}
