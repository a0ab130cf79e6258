package webphone

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/softphone"
)

// TestBrowserCallsPhone: a page calls a desk phone, and each hears the other's tone. It is muted,
// held and taken back, presses keys both ways, and restarts ICE.
func TestBrowserCallsPhone(t *testing.T) {
	l := newLab(t)
	desk := l.desk(softphone.Rule{Action: softphone.Answer})
	page := l.open("page", "103")
	page.Eval(`phone.call("sip:101@test.local")`)
	c := l.next(desk)
	page.Wait(`phone.state === "up"`)
	l.hears(c, browserTone)
	page.hears(phoneTone)
	if n := page.Eval("phone.streams"); n != 1.0 {
		t.Errorf("the track belongs to %v streams", n)
	}
	t.Logf("the page hears %.0f Hz in %v; the desk phone hears %d Hz", page.Eval("phone.heard()"), page.Eval("phone.codec()"), browserTone)

	page.Eval("phone.mute(true)")
	l.must(c.WaitSilence)
	page.Eval("phone.mute(false)")
	l.hears(c, browserTone)

	page.Eval(`phone.press("5", "RFC2833")`)
	l.must(func(ctx context.Context) error { return c.WaitDigits(ctx, "5") })
	page.Eval(`phone.press("7", "INFO")`)
	l.must(func(ctx context.Context) error { return c.WaitDigits(ctx, "57") })

	page.Eval("phone.hold(true)")
	l.must(func(ctx context.Context) error { return waitNot(ctx, c, browserTone) })
	page.Eval("phone.hold(false)")
	l.hears(c, browserTone)
	page.hears(phoneTone)

	page.Eval("phone.restart()")
	l.hears(c, browserTone)
	page.hears(phoneTone)

	page.Eval("phone.hang()")
	l.must(c.WaitEnded)
	page.Wait(`phone.state === "ended"`)
}

// waitNot waits until a tone is not heard any more; music on hold may be.
func waitNot(ctx context.Context, c *softphone.Call, hz float64) error {
	for ctx.Err() == nil {
		got, ok := c.Heard()
		if !ok || got < hz-20 || got > hz+20 {
			return nil
		}
		if err := c.WaitState(ctx, softphone.Connected); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// TestPhoneCallsBrowser: a desk phone calls a page, which answers; the desk phone hangs up.
func TestPhoneCallsBrowser(t *testing.T) {
	l := newLab(t)
	desk := l.desk(softphone.Rule{})
	page := l.open("page", "106")
	var c *softphone.Call
	l.must(func(ctx context.Context) (err error) {
		c, err = desk.Dial(ctx, "106")
		return err
	})
	page.Wait(`phone.state === "ringing"`)
	page.Eval("phone.answer()")
	l.must(c.WaitAnswered)
	l.hears(c, browserTone)
	page.hears(phoneTone)
	l.must(func(ctx context.Context) error { return c.SendDTMF(ctx, "3", true) })
	page.Wait(`phone.keys === "3"`)
	c.Hangup()
	page.Wait(`phone.state === "ended"`)
}

// TestClickToDial: a page is leg A of a call, with two tabs that ring; one of them answers, the
// other is told, and a desk phone is leg B.
func TestClickToDial(t *testing.T) {
	l := newLab(t)
	desk := l.desk(softphone.Rule{Action: softphone.Answer})
	one, two := l.open("one", "103"), l.open("two", "103")
	id := l.s.Submit(t, map[string]any{"first": "103", "second": "101"})
	one.Wait(`phone.state === "ringing"`)
	two.Wait(`phone.state === "ringing"`)
	two.Eval("phone.answer()")
	c := l.next(desk)
	one.Wait(`phone.state === "ended"`)
	l.hears(c, browserTone)
	two.hears(phoneTone)
	two.Eval("phone.hang()")
	l.must(c.WaitEnded)
	if r := l.s.AwaitEnd(t, id); r.Call["disposition"] != "ANSWERED" {
		t.Errorf("%+v", r.Call)
	}
}

// TestOpus: two pages speak Opus, which is passed through; a page that meets a desk phone is asked
// for another codec.
func TestOpus(t *testing.T) {
	l := newLab(t)
	one, two := l.open("one", "104"), l.open("two", "105")
	one.Eval(`phone.call("sip:105@test.local")`)
	two.Wait(`phone.state === "ringing"`)
	two.Eval("phone.answer()")
	one.hears(browserTone)
	two.hears(browserTone)
	for _, w := range []*webphone{one, two} {
		if codec := w.Eval("phone.codec()"); codec != "audio/opus" {
			t.Errorf("hears %v", codec)
		}
	}
	one.Eval("phone.hang()")
	two.Wait(`phone.state === "ended"`)

	desk := l.desk(softphone.Rule{Action: softphone.Answer}, "PCMA", "telephone-event")
	one.Eval(`phone.call("sip:101@test.local")`)
	c := l.next(desk)
	l.hears(c, browserTone)
	one.hears(phoneTone)
	if codec := one.Eval("phone.codec()"); codec == "audio/opus" {
		t.Errorf("hears %v of a desk phone", codec)
	}
	one.Eval("phone.hang()")
	l.must(c.WaitEnded)
}

// TestPageGone: a page that vanishes in a call leaves nobody waiting.
func TestPageGone(t *testing.T) {
	l := newLab(t)
	desk := l.desk(softphone.Rule{Action: softphone.Answer})
	page := l.open("page", "103")
	page.Eval(`phone.call("sip:101@test.local")`)
	c := l.next(desk)
	l.hears(c, browserTone)
	page.Do("close", nil)
	l.must(c.WaitEnded)
	if n := l.s.Metric(`dialwright_browser_legs`); n != 0 {
		t.Errorf("%v legs are left", n)
	}
}

// TestDeskAndBrowser: one name has a desk phone and a page. Both ring, each in its own form, and
// either may answer.
func TestDeskAndBrowser(t *testing.T) {
	l := newLab(t)
	caller := l.desk(softphone.Rule{})
	page := l.open("page", "103")
	twin := l.deskOf("103", softphone.Rule{Action: softphone.Ring})
	dial := func() (c, other *softphone.Call) {
		l.must(func(ctx context.Context) (err error) {
			c, err = caller.Dial(ctx, "103")
			return err
		})
		other = l.next(twin)
		page.Wait(`phone.state === "ringing"`)
		return c, other
	}
	c, other := dial()
	page.Eval("phone.answer()")
	l.must(other.WaitEnded)
	l.hears(c, browserTone)
	page.hears(phoneTone)
	c.Hangup()
	page.Wait(`phone.state === "ended"`)

	twin.SetRule(softphone.Rule{Action: softphone.Answer, After: time.Second})
	c, other = dial()
	page.Wait(`phone.state === "ended"`)
	l.hears(c, phoneTone)
	l.hears(other, phoneTone)
	c.Hangup()
	l.must(other.WaitEnded)
	if n := l.s.Metric(`dialwright_browser_legs`); n != 0 {
		t.Errorf("%v legs are left", n)
	}
}

// TestNoWay: a page whose network lets nothing through ends the call in words.
func TestNoWay(t *testing.T) {
	l := newLab(t)
	l.desk(softphone.Rule{Action: softphone.Answer})
	page := l.open("page", "103")
	id := l.s.Submit(t, map[string]any{"first": "103", "second": "101"})
	page.Wait(`phone.state === "ringing"`)
	page.Eval("phone.lost()")
	r := l.s.AwaitEnd(t, id)
	said, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(said), "the browser's media did not connect: no connectivity check has come from it") {
		t.Errorf("%s", said)
	}
	page.Wait(`phone.state === "ended"`)
	if n := l.s.Metric(`dialwright_browser_legs_total{outcome="ice"}`); n != 1 {
		t.Errorf("%v legs without a way", n)
	}
}
