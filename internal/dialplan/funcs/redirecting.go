package funcs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// redirecting is who sent a call elsewhere before it came here.
type redirecting struct {
	orig, from, to     party
	reason, origReason string
	count              int
	privFrom, privTo   party // read and written, shown to nobody
	privOrig           party
}

// redirectOf gives the channel's redirecting data, which begin as what the
// caller's Diversion header says (RFC 5806); id.mu is held.
func redirectOf(x *run.Exec, id *identities) *redirecting {
	if id.redirect == nil {
		id.redirect = parseDiversion(x.Channel().Leg().Header("Diversion"))
	}
	return id.redirect
}

// parseDiversion reads `"Name" <sip:num@host>;reason=user-busy;counter=2`.
func parseDiversion(header string) *redirecting {
	r := &redirecting{reason: "unknown", origReason: "unknown"}
	if header == "" {
		return r
	}
	address, params, ok := strings.Cut(header, ">")
	if !ok {
		address, params, _ = strings.Cut(header, ";")
	}
	name, uri, ok := strings.Cut(address, "<")
	if !ok {
		name, uri = "", address
	}
	_, user, ok := strings.Cut(uri, ":")
	if !ok {
		return r
	}
	user, _, _ = strings.Cut(user, "@")
	user, _, _ = strings.Cut(user, ";")
	r.from.name, r.from.number = unquoteParty(strings.TrimSpace(name)), strings.TrimSpace(user)
	r.count = 1
	for p := range strings.SplitSeq(params, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		switch strings.ToLower(k) {
		case "reason":
			r.reason = reasonName(unquoteParty(v))
		case "counter":
			if n, err := strconv.Atoi(v); err == nil && n > 0 {
				r.count = n
			}
		case "privacy":
			if !strings.EqualFold(v, "off") {
				r.from.namePres, r.from.numberPres = 0x20, 0x20
			}
		}
	}
	return r
}

// reasonName gives Asterisk's word for a reason of RFC 5806 (Asterisk:
// callerid.c redirecting_reason_types).
func reasonName(s string) string {
	switch s = strings.ToLower(s); s {
	case "user-busy":
		return "cfb"
	case "no-answer":
		return "cfnr"
	case "unconditional":
		return "cfu"
	case "deflection":
		return "cd"
	case "follow-me":
		return "follow_me"
	case "out-of-service":
		return "out_of_order"
	case "time-of-day":
		return "time_of_day"
	case "do-not-disturb":
		return "dnd"
	}
	return s
}

// party finds "from-num": whose field is meant, and which.
func (r *redirecting) party(text string) (*party, string) {
	who, rest, _ := strings.Cut(strings.ToLower(strings.TrimSpace(text)), "-")
	priv := who == "priv"
	if priv {
		who, rest, _ = strings.Cut(rest, "-")
	}
	switch {
	case who == "orig" && priv:
		return &r.privOrig, rest
	case who == "from" && priv:
		return &r.privFrom, rest
	case who == "to" && priv:
		return &r.privTo, rest
	case who == "orig":
		return &r.orig, rest
	case who == "from":
		return &r.from, rest
	case who == "to":
		return &r.to, rest
	}
	return nil, ""
}

// readRedirecting is REDIRECTING(field): from-num, to-name, orig-all, reason,
// orig-reason, count (Asterisk: func_callerid.c).
func readRedirecting(_ context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return "", errors.New("REDIRECTING needs the name of a field")
	}
	id := identitiesOf(x)
	id.mu.Lock()
	defer id.mu.Unlock()
	r := redirectOf(x, id)
	switch strings.ToLower(strings.TrimSpace(a[0])) {
	case "reason":
		return r.reason, nil
	case "orig-reason":
		return r.origReason, nil
	case "count":
		return strconv.Itoa(r.count), nil
	case "pres":
		return r.from.read("pres")
	}
	if p, f := r.party(a[0]); p != nil && f != "" {
		return p.read(f)
	}
	return "", errField(a[0])
}

func writeRedirecting(_ context.Context, x *run.Exec, args, value string) error {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return errors.New("REDIRECTING needs the name of a field")
	}
	id := identitiesOf(x)
	id.mu.Lock()
	defer id.mu.Unlock()
	r := redirectOf(x, id)
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(a[0])) {
	case "reason":
		r.reason = value
		return nil
	case "orig-reason":
		r.origReason = value
		return nil
	case "count":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fmt.Errorf("unknown redirection count %q", value)
		}
		r.count = n
		return nil
	case "pres":
		return r.from.write("pres", value)
	}
	if p, f := r.party(a[0]); p != nil && f != "" {
		return p.write(f, value)
	}
	return errField(a[0])
}
