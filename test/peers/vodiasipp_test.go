package peers

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

// The widget and the element with phones of another make, SIPp.

// sippAnswers is a phone that rings, is answered and is hung up on.
var sippAnswers = []step{
	invite(), reply(180, "Ringing", ""), pause(500 * time.Millisecond), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger,
}

// sippRings is a phone that rings until the call is cancelled.
var sippRings = []step{invite(), reply(180, "Ringing", ""), recvCancel(), linger}

// registerSIPp has a port of SIPp's registered as a phone.
func (o *clickOffice) registerSIPp(name string) (port int) {
	o.t.Helper()
	port = harness.FreePort(o.t)
	login := func(cseq int, password string) step {
		return step(strings.ReplaceAll(string(register("3600", cseq, password)), "101", name))
	}
	steps := []step{login(1, ""), status(401, `auth="true"`), login(2, "secret-"+name), status(200)}
	startSIPpAt(o.t, port, 1, steps, "127.0.0.1:"+strconv.Itoa(o.SIP)).Wait()
	return port
}

// Click, ring, answer, hang up; and click, ring, cancel: in the published markup and by our
// element, on a page of another site. SIPp checks that each call goes as a phone knows it.
func TestClickRingsSIPp(t *testing.T) {
	t.Parallel()
	crm := newHTTPSFront(t)
	o := newEmptyOffice(t, fmt.Sprintf("allowed_origins = [%q]\n", crm.url("crm")))
	crm.serve(o.crm(o.glue("js")))
	mine, others := o.registerSIPp("123"), o.registerSIPp("200")
	p := o.web.open("crm", crm.url("crm")+"/")
	elements := []struct{ id, call, cancel string }{
		{"one", "#one [name=call]", "#one [name=cancel]"},
		{"el", "#el [part=call]", "#el [part=hangup]"},
	}

	me, other := startSIPpAt(t, mine, len(elements), sippAnswers), startSIPpAt(t, others, len(elements), sippAnswers)
	for _, el := range elements {
		p.click(el.call)
		for _, state := range []string{"alerting", "ringback", "connected"} {
			p.told(el.id, state)
			p.shot(el.id + "-" + state)
		}
		p.click(el.cancel)
		p.toldWhy(el.id, "ended", "completed")
		p.visible(el.call)
		p.hidden(el.cancel)
	}
	me.Wait()
	other.Wait()

	p.forget()
	me = startSIPpAt(t, mine, len(elements), sippRings)
	for _, el := range elements {
		p.click(el.call)
		p.told(el.id, "alerting")
		p.click(el.cancel)
		p.toldWhy(el.id, "ended", "cancelled")
		p.visible(el.call)
		p.hidden(el.cancel)
		p.shot(el.id + "-cancelled")
	}
	me.Wait()
	if n := strings.Count(me.Messages(), "\nINVITE "); n < len(elements) {
		t.Errorf("SIPp has seen %d INVITEs, want %d", n, len(elements))
	}
}
