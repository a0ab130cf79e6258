package dialproxy

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// answer is what a request gets.
type answer struct {
	status  int
	text    string
	failed  bool                  // it is logged, and given after a pause
	reason  string                // for the log
	code    originate.RefusalCode // for the audit trail; "" = it is there already
	foreign string                // why a web page may not ask; "" = it may
	unknown bool                  // there is no such label
	after   time.Duration         // when to try again
	result  string                // X-Call-Result, "" = none
	id      call.ID               // X-Call-Id, "" = none
	gone    bool                  // nobody waits for it

	challenge bool // a password is asked for
}

// fail makes the answer of a failure: 401, or in strict mode the status that says
// what it is. There nobody learns whether a label is unknown or forbidden (spec:
// dialproxy 8, 11 W8, W11).
func (x *exchange) fail(strict int, text, reason string) answer {
	a := answer{status: http.StatusUnauthorized, text: text, failed: true, reason: reason, code: originate.RefusedGuard}
	switch strict {
	case http.StatusBadRequest:
		a.code = originate.RefusedInvalid
	case http.StatusNotFound:
		a.code = originate.RefusedDestination
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		a.code = originate.RefusedStore
	}
	if x.c.Strict {
		a.status = strict
		if strict == http.StatusForbidden {
			a.text = "Error"
		}
	}
	return a
}

// audited says that the audit trail has it.
func (a answer) audited() answer {
	a.code = ""
	return a
}

// tooMany makes the answer of a limit. It is given at once: a pause would hold what
// there is too much of.
func (x *exchange) tooMany(what string, after time.Duration) answer {
	if x.d.said.once(what + " " + key(x.client).String() + time.Now().Format(" 15:04")) { // once a minute
		x.d.log.Warn("too many requests", "door", DoorName, "limit", what, "remote", x.client)
	}
	return answer{status: http.StatusTooManyRequests, text: "Too many requests", after: max(after, time.Second)}
}

// give logs, pauses and answers.
func (x *exchange) give(a answer) {
	h := x.w.Header()
	switch {
	case a.gone:
		return
	case a.foreign != "":
		x.d.log.Warn("web page refused", "door", DoorName, "remote", x.client, "reason", a.foreign)
		x.deny("cross-origin", a.foreign, originate.RefusedGuard)
	case a.failed:
		x.failed(a)
		if !x.pause() {
			return
		}
	}
	if a.challenge {
		h.Set("WWW-Authenticate", `Basic realm="dialproxy"`)
	}
	if a.after > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.after.Seconds()))))
	}
	if a.result != "" {
		h.Set("X-Call-Result", a.result)
	}
	if a.id != "" {
		h.Set("X-Call-Id", string(a.id))
	}
	x.write(a.status, a.text)
}

// write writes the body as the original does, with a line feed.
func (x *exchange) write(status int, text string) {
	x.w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	x.w.WriteHeader(status)
	_, _ = io.WriteString(x.w, text+"\n") // nobody is left to be told of an error
}

// failed logs a failure with the words of the original, for which the tools of its users
// look (spec: dialproxy 8).
func (x *exchange) failed(a answer) {
	o := x.origin()
	x.d.log.Warn(fmt.Sprintf("Failed dialproxy.php access  Remote Address: %s  Status: %s", x.client, a.text),
		"door", DoorName, "principal", o.Principal, "reason", a.reason)
	if a.code != "" {
		x.deny("dialproxy", a.reason, a.code)
	}
}

// deny writes a refusal of the door's own into the audit trail.
func (x *exchange) deny(rule, text string, code originate.RefusalCode) {
	x.d.o.Originator.Deny(context.WithoutCancel(x.r.Context()), originate.AuditEntry{
		At: time.Now(), Origin: x.origin(), Account: x.account(x.c.Labels[x.query.Label]), Code: code, Rule: rule, Text: text,
	})
}

// pause waits until a failing request has taken as long as the configuration says,
// whatever the failure was. false: the client has gone.
func (x *exchange) pause() bool {
	rest := time.Until(x.began.Add(x.c.Pause))
	if rest <= 0 {
		return true
	}
	x.deadline(rest + grace)
	t := time.NewTimer(rest)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-x.r.Context().Done():
		return false
	}
}
