package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// explainCmd says why a call ended as it did.
type explainCmd struct {
	Call string `arg:"" help:"Call ID."`
}

// Run explains.
func (c explainCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var ex rest.Explanation
		if err := cl.Get(e.ctx, "/v1/calls/"+url.PathEscape(c.Call)+"/explain", nil, &ex); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(ex)
			return nil
		}
		printExplanation(e.stdout, ex)
		return nil
	})
}

// printExplanation prints the call, each attempt with its legs' ladders, and
// what to do.
func printExplanation(w io.Writer, ex rest.Explanation) {
	c := ex.Call
	fmt.Fprintf(w, "call %s: %s\n", c.ID, clean(arrow(c.First, c.Second)))
	fmt.Fprintf(w, "asked for by %s through %s on behalf of %s at %s\n", orNobody(c.Principal), c.Door, c.Account, clock(c.CreatedAt))
	fmt.Fprintf(w, "%s\n", clean(ex.Words))
	if ex.Advice != "" {
		fmt.Fprintf(w, "%s\n", ex.Advice)
	}
	for _, a := range ex.Attempts {
		fmt.Fprintf(w, "\nattempt %d of %d on %s at %s", a.Number, c.MaxAttempts, a.Node, clock(a.StartedAt))
		if a.Disposition == "" {
			fmt.Fprintln(w, ": running")
			continue
		}
		fmt.Fprintf(w, ": %s, cause %d (%s)", strings.ToLower(a.Disposition), a.Cause, a.CauseText)
		if a.HangupBy != "" {
			fmt.Fprintf(w, ", ended by %s", hangupWords(a.HangupBy))
		}
		fmt.Fprintln(w)
		for _, l := range a.Legs {
			printLeg(w, l)
		}
	}
}

func orNobody(s string) string {
	if s == "" {
		return "nobody"
	}
	return s
}

func hangupWords(by string) string {
	switch by {
	case "a":
		return "the first party"
	case "b":
		return "the second party"
	case "request":
		return "request"
	case "limit":
		return "the longest connected time"
	}
	return "the " + by
}

func printLeg(w io.Writer, l rest.Leg) {
	fmt.Fprintf(w, "\n  leg %s  %s", strings.ToUpper(l.Leg), clean(l.Endpoint))
	if l.Codec != "" {
		fmt.Fprintf(w, "  %s, %d packets in, %d out, %d lost", l.Codec, l.PacketsIn, l.PacketsOut, l.LostIn)
	}
	fmt.Fprintf(w, "\n         %s, cause %d (%s)", strings.ToLower(l.Disposition), l.Cause, l.CauseText)
	if l.SIPStatus != 0 {
		fmt.Fprintf(w, ", SIP %d", l.SIPStatus)
	}
	if l.Peer != "" {
		fmt.Fprintf(w, ", %q", clean(l.Peer))
	}
	fmt.Fprintln(w)
	if len(l.Ladder) > 0 {
		printLadder(w, l)
	}
}

// ladderWidth is the room between the two rails.
const ladderWidth = 52

// printLadder draws a leg's messages between us on the left and the peer on the
// right:
//
//	          us                                    udp:127.0.0.1:5070
//	+0.000s   |─ INVITE sip:101@127.0.0.1:5070 (SDP) ──────────────►|
//	+0.011s   |◄─────────────────────────────────── 180 Ringing ─|
func printLadder(w io.Writer, l rest.Leg) {
	start, peer := l.Ladder[0].At, ""
	for _, m := range l.Ladder {
		if m.Peer != peer {
			peer = m.Peer
			fmt.Fprintf(w, "              us%*s\n", ladderWidth, clean(peer))
		}
		label := strings.TrimSuffix(strings.TrimPrefix(clean(m.First), "SIP/2.0 "), " SIP/2.0")
		if m.Note != "" {
			label += " (" + clean(m.Note) + ")"
		}
		fmt.Fprintf(w, "  %9s   %s\n", since(start, m.At), rung(label, m.Sent))
	}
}

// rung draws one message.
func rung(label string, sent bool) string {
	runes := []rune(label)
	if most := ladderWidth - 6; len(runes) > most {
		runes = append(runes[:most-1], '…')
	}
	line := strings.Repeat("─", ladderWidth-4-len(runes))
	if sent {
		return "|─ " + string(runes) + " " + line + "►|"
	}
	return "|◄" + line + " " + string(runes) + " ─|"
}
