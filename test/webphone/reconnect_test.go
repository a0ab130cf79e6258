package webphone

import (
	"context"
	"testing"

	"github.com/dialwright/dialwright/internal/softphone"
)

// TestReconnect: the WebSocket of a page breaks in the middle of a call and comes again. The audio
// goes on, and either side ends the call for both.
func TestReconnect(t *testing.T) {
	l := newLab(t)
	desk := l.desk(softphone.Rule{Action: softphone.Answer})
	page := l.open("page", "103")
	again := func(c *softphone.Call) {
		t.Helper()
		page.Eval("phone.cut()")
		page.Wait("phone.closed && phone.registered")
		page.Eval("phone.closed = false")
		l.hears(c, browserTone)
		page.hears(phoneTone)
	}

	page.Eval(`phone.call("sip:101@test.local")`)
	c := l.next(desk)
	page.Wait(`phone.state === "up"`)
	l.hears(c, browserTone)
	again(c)
	c.Hangup()
	page.Wait(`phone.state === "ended"`)

	page.Eval(`phone.call("sip:101@test.local")`)
	c = l.next(desk)
	page.Wait(`phone.state === "up"`)
	l.hears(c, browserTone)
	again(c)
	page.Eval("phone.hang()")
	l.must(c.WaitEnded)

	var in *softphone.Call
	l.must(func(ctx context.Context) (err error) {
		in, err = desk.Dial(ctx, "103")
		return err
	})
	page.Wait(`phone.state === "ringing"`)
	page.Eval("phone.answer()")
	l.must(in.WaitAnswered)
	l.hears(in, browserTone)
	again(in)
	in.Hangup()
	page.Wait(`phone.state === "ended"`)
}
