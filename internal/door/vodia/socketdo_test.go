package vodia

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// The conversation of the widget, with all members of a call (spec: vodia 8.5, 8.7).
func TestSocketShowsAClick(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.does["6173998147"] = "180?ring=3s" })
		c := h.enter(ada)
		c.send(frame{"action": "get-calls"})
		c.calls()
		start := float64(time.Now().Unix())
		c.send(frame{"action": "make-call", "to": "(617) 399-8147", "name": "Joe Doe"})
		want := frame{
			"id": c.calls("alerting")[0]["id"], "state": "alerting", "callstate": "alerting",
			"from-number": "123", "from-name": "Ada Moss", "from": `"Ada Moss" <sip:123@tenant.com>`,
			"to-number": "(617) 399-8147", "to-name": "Joe Doe", "to": `"Joe Doe" <sip:6173998147@tenant.com;user=phone>`,
			"start": start, "connect": "", "extension": []any{"123"}, "cmc": "", "rec": "",
		}
		c.send(frame{"action": "get-calls"})
		if got := c.calls("alerting")[0]; compact(got) != compact(want) {
			t.Errorf("the call is %s, want %s", compact(got), compact(want))
		}
		c.calls("ringback")
		want["state"], want["callstate"], want["connect"] = "connected", "connected", start+5
		if got := c.calls("connected")[0]; compact(got) != compact(want) {
			t.Errorf("the call is %s, want %s", compact(got), compact(want))
		}
		if list := h.placed(); len(list) != 1 || list[0].Confirm || list[0].Dest != "6173998147" || list[0].Origin.Principal != "vodia:"+ada {
			t.Errorf("placed: %+v", list)
		}
		c.send(frame{"action": "clear-call", "id": want["id"]})
		if why := c.end(str(want["id"]), "(617) 399-8147"); why != "completed" {
			t.Errorf("the reason is %q", why)
		}
		c.quiet()
	})
}

// end reads on until the only call is over and its reason is told, whichever comes first, and
// gives the reason.
func (c *talker) end(id, number string) (reason string) {
	c.Helper()
	for gone := false; !gone || reason == ""; {
		switch f := c.next(); f["action"] {
		case "call-ended":
			reason = str(f["reason"])
			if f["id"] != id || f["to-number"] != number {
				c.Errorf("the end of another call: %s", compact(f))
			}
		case "call-state":
			list, _ := f["calls"].([]any)
			gone = len(list) == 0
		default:
			c.Fatalf("%s", compact(f))
		}
	}
	return reason
}

// Why calls have ended.
func TestSocketTellsWhyACallHasEnded(t *testing.T) {
	for _, c := range []struct {
		phone, dest, reason string
		clear               bool
	}{
		{"180?ring=1s", "486?ring=1s", endBusy, false},
		{"180?ring=1s", "603", endRejected, false},
		{"180?ring=1s", "404", endUnallocated, false},
		{"180?ring=1s", "503", endCongestion, false},
		{"486?ring=1s", "180", endBusy, false},
		{"480?ring=1s", "180", endNoAnswer, false},
		{"180?ring=1s", "180?ring=1s&talk=1s", endCompleted, false},
		{"180?ring=9s", "180", endCancelled, true},
		{"180?ring=1s&talk=1s", "180?ring=9s", endCancelled, false},
	} {
		t.Run(c.phone+" "+c.dest, func(t *testing.T) {
			inHall(t, func(h *hall) {
				h.set(func() { h.does["123"], h.does["5551"] = c.phone, c.dest })
				k := h.enter(ada)
				k.send(frame{"action": "get-calls"})
				k.calls()
				k.send(frame{"action": "make-call", "to": "5551"})
				id := str(k.calls("alerting")[0]["id"])
				if c.clear {
					k.send(frame{"action": "clear-call", "id": id})
				}
				if why := k.end(id, "5551"); why != c.reason {
					t.Errorf("%q, want %q", why, c.reason)
				}
			})
		})
	}
}

func TestEndReason(t *testing.T) {
	at := time.Unix(100, 0)
	failed := func(f call.Failure, answered bool) *call.Outcome {
		o := &call.Outcome{Failure: &f}
		if answered {
			o.A.AnsweredAt = at
		}
		return o
	}
	for want, c := range map[string]call.Call{
		endExpired:      {State: call.CancelledSt, EndedAt: at, Request: call.Request{NotAfter: at}},
		endCancelled:    {State: call.CancelledSt, EndedAt: at, Request: call.Request{NotAfter: at.Add(time.Second)}},
		endNotConfirmed: {Last: failed(call.Failure{Leg: "a", Disposition: call.NoAnswer, Cause: 19}, true)},
		endNoAnswer:     {Last: failed(call.Failure{Leg: "b", Disposition: call.NoAnswer, Cause: 19}, true)},
		endInterrupted:  {Last: failed(call.Failure{Leg: "a", Disposition: call.Interrupted, Cause: 17}, true)},
		endFailed:       {Last: failed(call.Failure{Leg: "a", Disposition: call.Failed, Cause: 41}, false)},
		endCompleted:    {Last: &call.Outcome{Disposition: call.Answered}},
	} {
		if got := endReason(&c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A socket that asks for a call twice, or two of them, make one; all see it, and its end.
func TestSocketsOfOneUserSeeTheSame(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.does["5551"] = "180?ring=1s" })
		session := h.session(ada)
		one, two, bens := h.enterBy(ada, session), h.enterBy(ada, session), h.enter(ben)
		for _, c := range []*talker{one, two, bens} {
			c.send(frame{"action": "get-calls"})
			c.calls()
		}
		one.send(frame{"action": "make-call", "to": "5551"})
		one.calls("alerting")
		one.send(frame{"action": "make-call", "to": "5551"})
		two.send(frame{"action": "make-call", "to": "5551"})
		id := two.calls("alerting")[0]["id"]
		for _, c := range []*talker{one, two} {
			c.calls("ringback")
			c.calls("connected")
		}
		two.send(frame{"action": "clear-call", "id": id})
		for _, c := range []*talker{one, two} {
			if why := c.end(str(id), "5551"); why != endCompleted {
				t.Errorf("%q", why)
			}
			c.quiet()
		}
		bens.quiet()
		h.wantCalls(1)
		one.send(frame{"action": "make-call", "to": "5551"}) // who asks again has seen it end
		one.calls("alerting")
		h.wantCalls(1)
	})
}

// A client that does not read for a moment sees less of what lies between, and the end.
func TestSocketCoalesces(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.does["5551"] = "180?ring=1s&talk=1s" })
		c := h.enter(ada)
		c.send(frame{"action": "get-calls"})
		c.calls()
		c.send(frame{"action": "make-call", "to": "5551"})
		h.pass(8 * time.Second) // all is over; the pipe holds nothing
		c.calls("alerting")
		if why := c.end("c1", "5551"); why != endCompleted {
			t.Errorf("%q", why)
		}
		c.quiet()
	})
}

// Messages that are refused, and how (spec: vodia 8.8).
func TestSocketRefusesMessages(t *testing.T) {
	inHall(t, func(h *hall) {
		for _, m := range []struct {
			text    string
			request string
		}{
			{`{not json`, ""},
			{`[]`, ""},
			{`{}`, ""},
			{`{"action":7}`, ""},
			{`{"action":"no-such-action"}`, "no-such-action"},
			{`{"action":"make-call"}`, "make-call"},
			{`{"action":"clear-call"}`, "clear-call"},
			{`{"action":"dtmf","id":"1","digits":"12x"}`, "dtmf"},
			{`{"action":"own-calls"}`, "own-calls"},
		} {
			c := h.enter(ada)
			c.sendText(m.text)
			if why := c.refused(m.request, 400); why["message"] == "" {
				t.Errorf("%s: no message", m.text)
			}
			c.send(frame{"action": "get-calls"})
			c.calls()
			h.must(c.conn.CloseNow())
		}
		c, admin := h.enter(ada), h.enter(root)
		for _, m := range []struct {
			from    *talker
			message frame
			code    int
		}{
			{c, frame{"action": "clear-call", "id": "nope"}, 404},
			{c, frame{"action": "hold-call", "id": "nope"}, 404},
			{c, frame{"action": "accept-call", "id": "nope"}, 404},
			{c, frame{"action": "rec-call", "id": "nope", "startstop": "on"}, 404},
			{c, frame{"action": "dtmf", "id": "nope", "digits": "1"}, 404},
			{c, frame{"action": "blind-transfer", "id": "nope", "to": "200"}, 404},
			{c, frame{"action": "blind-transfer2", "id": "nope", "to": "200"}, 404},
			{c, frame{"action": "att-transfer", "id": "nope", "id2": "neither"}, 404},
			{c, frame{"action": "att-transfer", "id": "nope", "to": "200"}, 404},
			{c, frame{"action": "domain-calls", "subscribe": true}, 403},
			{c, frame{"action": "orbit-calls", "subscribe": true}, 400},
			{c, frame{"action": "chat", "dest": "124", "message": "hello"}, 400},
			{c, frame{"action": "sdp-packet", "to": "1", "sdp": "v=0"}, 400},
			{admin, frame{"action": "clear-call", "id": "nope"}, 404},
			{admin, frame{"action": "hold-call", "id": "nope"}, 404},
		} {
			m.from.send(m.message)
			m.from.refused(str(m.message["action"]), m.code)
		}
		if want := []string{"vodia:" + ada + " guard not_allowed"}; !slices.Equal(h.denials(), want) {
			t.Errorf("the trail has %q, want %q", h.denials(), want)
		}
	})
}

// Calls that are not made, and how that is said.
func TestSocketRefusesCalls(t *testing.T) {
	inHall(t, func(h *hall) {
		c := h.enter(ada)
		c.send(frame{"action": "get-calls"})
		c.calls()
		refuses := func(c *talker, to string, code int) {
			t.Helper()
			c.send(frame{"action": "make-call", "to": to})
			c.refused("make-call", code)
		}
		refuses(c, "", 400)
		refuses(c, "sip:a@b.example", 400)
		refuses(c, strings.Repeat(" ", longestTo)+"1", 400)
		for err, code := range map[error]int{
			errors.New("disk full"):                                     503,
			&originate.Refusal{Code: originate.RefusedStopping}:         503,
			&originate.Refusal{Code: originate.RefusedRate}:             429,
			&originate.Refusal{Code: originate.RefusedDestination}:      400,
			&originate.Refusal{Code: originate.RefusedGuard, Rule: "x"}: 403,
		} {
			h.set(func() { h.refuse = err })
			refuses(c, "5551", code)
		}
		h.set(func() { h.refuse, h.ready = nil, errors.New("no network") })
		refuses(c, "5551", 503)
		h.set(func() { h.ready = nil })
		dots, roots := h.enter(dot), h.enter(root)
		for to, k := range map[int]*talker{409: dots, 403: roots} {
			k.send(frame{"action": "get-calls"})
			k.calls()
			refuses(k, "5551", to)
		}
		h.wantCalls(0)
		h.set(func() { h.conf.AllowSIPURI = true })
		c.send(frame{"action": "make-call", "to": "sip:a@b.example"})
		c.calls("alerting")
		h.wantCalls(1)
	})
}

// What changes something counts as a request of the address; what only looks does not.
func TestSocketIsNoWayAroundTheRate(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.conf.PerMinute = 5 })
		c := h.enter(ada) // one
		c.send(frame{"action": "get-calls"})
		c.calls()
		for range 4 {
			c.send(frame{"action": "clear-call", "id": "nope"})
			c.refused("clear-call", 404)
		}
		c.send(frame{"action": "make-call", "to": "5551"})
		c.refused("make-call", 429)
		c.send(frame{"action": "get-calls"})
		c.calls()
		h.wantCalls(0)
		h.pass(time.Minute)
		c.send(frame{"action": "make-call", "to": "5551"})
		c.calls("alerting")
	})
}

// An administrator's socket does for the user what the user's own does, and the record says
// who it was.
func TestSocketOfAnAdministrator(t *testing.T) {
	inHall(t, func(h *hall) {
		c := h.enterBy(ada, h.session(boss))
		c.send(frame{"action": "get-calls"})
		c.calls()
		c.send(frame{"action": "make-call", "to": "5551"})
		c.calls("alerting")
		if list := h.placed(); len(list) != 1 || list[0].Origin.Principal != "vodia:"+boss || list[0].User.Name.String() != ada {
			t.Errorf("placed: %+v", list)
		}
	})
}

// Subscriptions end, and come again.
func TestSocketUnsubscribes(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.does["5551"] = "180?ring=1s" })
		c := h.enter(ada)
		c.send(frame{"action": "own-calls", "subscribe": true})
		c.calls()
		c.send(frame{"action": "own-calls", "subscribe": false})
		h.ask("POST", "/rest/user/123@tenant.com/calls", `{"remote-dial":"5551"}`, basic(ada, adaPass))
		synctest.Wait()
		c.quiet()
		c.send(frame{"action": "own-calls", "subscribe": true})
		c.calls("alerting")
		c.calls("ringback")
		c.calls("connected")
	})
}

// Lamps of colleagues, and the list of them.
func TestSocketLamps(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.does["124"] = "180?ring=3s" })
		c := h.enter(ada)
		c.send(frame{"action": "get-users"})
		c.want(frame{"action": "domain-state", "accounts": []any{
			frame{"account": "123", "name": "Ada Moss", "type": "extensions", "registered": true}, frame{"account": "124", "registered": true},
			frame{"account": "125"}, frame{"account": "126", "registered": false},
		}})
		c.send(frame{"action": "ringtones"})
		if f := c.next(); compact(f) != `{"ringtones":[]}` {
			t.Errorf("ring tones: %s", compact(f))
		}
		c.send(frame{"action": "blf", "add": []string{"124"}})
		lamp := func(state string) {
			t.Helper()
			c.want(frame{"action": "blf", "account": "124", "state": state})
		}
		lamp("idle")
		for n, state := range map[string]string{"125": "idle", "126": "offline", "999": "offline"} {
			c.send(frame{"action": "blf", "add": []string{n}})
			c.want(frame{"action": "blf", "account": n, "state": state})
		}
		bens := h.enter(ben)
		bens.send(frame{"action": "make-call", "to": "5551"})
		lamp("ringing")
		lamp("busy")
		bens.calls()
		bens.send(frame{"action": "clear-call", "id": "c1"})
		lamp("idle")
		h.set(func() { h.away["124"] = true })
		lamp("offline") // at the next look
		c.send(frame{"action": "blf", "remove": []string{"124"}})
		h.set(func() { h.away["124"] = false })
		h.pass(lookEvery)
		c.quiet()
		many := make([]string, maxLamps)
		for i := range many {
			many[i] = "9" + strings.Repeat("0", i%20) + string(rune('a'+i/20))
		}
		c.send(frame{"action": "blf", "add": many})
		told, refused := 0, 0
		for told+refused < maxLamps-2 { // three are lit already
			switch f := c.next(); str(f["action"]) {
			case "blf":
				told++
			case "error":
				refused++
			default:
				t.Errorf("%s", compact(f))
			}
		}
		if told != maxLamps-3 || refused != 1 {
			t.Errorf("%d lamps are told and %d refused", told, refused)
		}
	})
}

// An administrator sees who of the tenant is in a call, and with whom.
func TestSocketShowsTheTenant(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.does["125"] = "?ring=9s" })
		c := h.enter(boss)
		c.send(frame{"action": "domain-calls", "subscribe": true})
		for _, n := range []string{"123", "124", "125", "126"} {
			c.want(frame{"action": "user-state", "account": n, "registered": n != "126", "calls": []any{}})
		}
		adas := h.enter(ada)
		adas.send(frame{"action": "make-call", "to": "125"})
		c.want(frame{"action": "user-state", "account": "123", "calls": []any{frame{"state": "alerting", "to-number": "125", "to-name": "Cy Lund", "extension": []any{"123", "125"}}}})
		c.want(frame{"account": "123", "calls": []any{frame{"state": "ringback"}}})
		c.want(frame{"account": "125", "calls": []any{frame{"state": "alerting", "from-number": "123", "to-number": "125", "to-name": "Cy Lund"}}})
		adas.send(frame{"action": "clear-call", "id": "c1"})
		c.want(frame{"account": "123", "calls": []any{}})
		c.want(frame{"account": "125", "calls": []any{}})
		c.send(frame{"action": "domain-calls", "subscribe": false})
		h.enter(eve).send(frame{"action": "make-call", "to": "5552"})
		h.pass(time.Second)
		c.quiet()
	})
}
