package cli

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// endpoints lists phones and trunks by name, as Asterisk does.
func (q *ask) endpoints() []Endpoint {
	list := slices.Clone(q.s.o.Phones.Endpoints())
	slices.SortFunc(list, func(a, b Endpoint) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// pjsipCommands are those about phones and trunks.
func (s *Shell) pjsipCommands() []command {
	there := s.o.Phones != nil
	none := func(what, text string) string { return "Usage: pjsip show " + what + "\n       " + text + "\n" }
	endpoints := first(func(q *ask) []string {
		var out []string
		for _, e := range q.s.o.Phones.Endpoints() {
			out = append(out, e.Name)
		}
		return out
	})
	return []command{
		{words: "pjsip show endpoints", summary: "List phones and trunks", usage: none("endpoints", "Lists phones and trunks with their contacts and channels."), there: there, run: showEndpoints},
		{words: "pjsip show endpoint", summary: "Tell about a phone or trunk", usage: none("endpoint <name>", "Tells what is known about a phone or trunk."), there: there, run: showEndpoint, complete: endpoints},
		{words: "pjsip show contacts", summary: "List where phones can be reached", usage: none("contacts", "Lists the contacts of phones and trunks."), there: there, run: showContacts},
		{words: "pjsip show aors", summary: "List phones and where they can be reached", usage: none("aors", "Lists phones and trunks with their contacts."), there: there, run: showAORs},
		{words: "pjsip show registrations", summary: "List our registrations elsewhere", usage: none("registrations", "Lists the registrations that this server holds at its trunks."), there: there, run: showRegistrations},
		{words: "pjsip show channels", summary: "List the channels of phones and trunks", usage: none("channels", "Lists the live channels of phones and trunks."), there: there, run: showPJSIPChannels},
	}
}

// The columns of these tables: names are indented by their level, and end in one column
// (Asterisk: res_pjsip_cli.h CLI_INDENT_TO_SPACES, CLI_LAST_TABSTOP).
const lastTabstop = 62

func indent(level int) int { return 9 + 2*level }

// label is a name in its column, with what separates it from its value.
func label(level int, name, sep string) string {
	return strings.Repeat(" ", max(indent(level)-len(name), 0)) + name + sep
}

// doubleRule is the line between the heads and the rows.
const doubleRule = "==========================================================================================\n\n"

func endpointHead(level int) string {
	return label(level, "Endpoint", ":  ") + "<Endpoint/CID" + strings.Repeat(".", 37-2*level) + ">  <State.....>  <Channels.>\n"
}

func aorHead(level int) string {
	return label(level, "Aor", ":  ") + "<Aor" + strings.Repeat(".", 46-2*level) + ">  <MaxContact>\n"
}

func contactHead(level int) string {
	return label(level, "Contact", ":  ") + "<Aor/ContactUri" + strings.Repeat(".", 30-2*level) + "> <Hash....> <Status> <RTT(ms)..>\n"
}

func channelHead(level int) string {
	return label(level, "Channel", ":  ") + "<ChannelId" + strings.Repeat(".", 40-2*level) + ">  <State.....>  <Time.....>\n" +
		label(level+1, "Exten", ": ") + "<DialedExten" + strings.Repeat(".", 13-2*level) + ">  CLCID: <ConnectedLineCID.......>\n"
}

// endpointHeads are the heads of `pjsip show endpoints`.
func endpointHeads() string {
	return "\n" + endpointHead(0) +
		"    I/OAuth:  <AuthId/UserName...........................................................>\n" +
		aorHead(1) + contactHead(2) +
		"  Transport:  <TransportId........>  <Type>  <cos>  <tos>  <BindAddress..................>\n" +
		"   Identify:  <Identify/Endpoint.........................................................>\n" +
		"        Match:  <criteria.........................>\n" +
		channelHead(1) + doubleRule
}

// found ends a table.
func (q *ask) found(n int) {
	if n == 0 {
		q.print("No objects found.\n\n")
		return
	}
	q.printf("\nObjects found: %d\n\n", n)
}

// endpointRows prints an endpoint and what belongs to it.
func (q *ask) endpointRows(e Endpoint) {
	name := e.Name
	if e.CallerID != "" {
		name += "/" + e.CallerID
	}
	q.printf("%s%s  %s  %d of inf\n", label(0, "Endpoint", ":  "), wire.Left(name, lastTabstop-indent(0)-2), wire.Left(e.State, 12), e.Channels)
	if e.OutAuth != "" {
		q.printf("%s%s/%s\n", label(1, "OutAuth", ":  "), e.Name, e.OutAuth)
	}
	if e.Auth != "" {
		q.printf("%s%s/%s\n", label(1, "InAuth", ":  "), e.Name, e.Auth)
	}
	if e.AOR != "" {
		q.aorRows(1, e)
	}
	if e.Transport != "" {
		q.printf("%s%s  %s  %5d  %5d  %s\n", label(1, "Transport", ":  "), wire.Left("transport-"+e.Transport, 21), wire.Right(e.Transport, 6), 0, 0, e.Bind)
	}
	for _, name := range e.Active {
		q.channelRows(1, name)
	}
	q.print("\n")
}

// aorRows prints where an endpoint can be reached.
func (q *ask) aorRows(level int, e Endpoint) {
	q.printf("%s%s  %d\n", label(level, "Aor", ":  "), wire.Left(e.AOR, lastTabstop-indent(level)-2), e.MaxContacts)
	for _, c := range e.Contacts {
		q.contactRow(level+1, c)
	}
}

// contactRow prints a contact; its hash is the beginning of the MD5 of its address, and
// its round trip "nan" while none has been measured (Asterisk: res_pjsip/location.c).
func (q *ask) contactRow(level int, c Contact) {
	sum := md5.Sum([]byte(c.URI))
	rtt := "nan"
	if c.RTT > 0 {
		rtt = fmt.Sprintf("%.3f", float64(c.RTT)/float64(time.Millisecond))
	}
	q.printf("%s%s %s %s %s\n", label(level, "Contact", ":  "), wire.Left(c.AOR+"/"+c.URI, lastTabstop-indent(level)-7),
		hex.EncodeToString(sum[:])[:10], wire.Left(c.Status, 7), wire.Right(rtt, 11))
}

// channelRows prints a channel and whom it talks to (Asterisk: channels/pjsip/cli_commands.c).
func (q *ask) channelRows(level int, name string) {
	c, ok := q.s.o.Switch.ChannelByName(name)
	if !ok {
		return
	}
	s := c.Snapshot()
	q.printf("%s%s %s  %s\n", label(level, "Channel", ": "), wire.Left(s.Name+"/"+s.App, lastTabstop-indent(level)),
		wire.Left(s.State.String(), 12), wire.Left(wire.Clock(time.Since(s.CreatedAt)), 11))
	q.printf("%s%s  CLCID: \"%s\" <%s>\n", label(level+1, "Exten", ": "), wire.Left(s.Extension, lastTabstop-indent(level+1)-25), s.Connected.Name, s.Connected.Number)
}

func showEndpoints(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	list := q.endpoints()
	if len(list) == 0 {
		q.found(0)
		return Done
	}
	q.print(endpointHeads())
	for _, e := range list {
		q.endpointRows(e)
	}
	q.found(len(list))
	return Done
}

// showEndpoint tells about one endpoint; its parameters are those that this server has.
func showEndpoint(_ context.Context, q *ask) Outcome {
	if len(q.args) == 0 {
		q.print("No object specified.\n")
		return Failed
	}
	list := q.s.o.Phones.Endpoints()
	i := slices.IndexFunc(list, func(e Endpoint) bool { return e.Name == q.args[0] })
	if i < 0 {
		q.printf("Unable to find object %s.\n\n", q.args[0])
		return Done
	}
	e := list[i]
	codecs := make([]string, len(e.Codecs))
	for i, name := range e.Codecs {
		codecs[i] = asteriskCodec(name)
	}
	q.print(endpointHeads())
	q.endpointRows(e)
	q.print("\n ParameterName                      : ParameterValue\n =========================================================\n")
	for _, p := range []Setting{
		{"allow", "(" + strings.Join(codecs, "|") + ")"},
		{"aors", e.AOR},
		{"callerid", orUnknown(e.CallerID)},
		{"context", e.Context},
		{"dtmf_mode", "rfc4733"},
		{"transport", e.Transport},
	} {
		q.print(" " + wire.Pad(p.Name, 34) + " : " + p.Value + "\n")
	}
	q.print("\n")
	return Done
}

func showContacts(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	list := slices.Clone(q.s.o.Phones.Contacts())
	slices.SortStableFunc(list, func(a, b Contact) int { return strings.Compare(a.AOR, b.AOR) })
	if len(list) == 0 {
		q.found(0)
		return Done
	}
	q.print("\n" + contactHead(0) + doubleRule)
	for _, c := range list {
		q.contactRow(0, c)
	}
	q.found(len(list))
	return Done
}

func showAORs(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	list := slices.DeleteFunc(q.endpoints(), func(e Endpoint) bool { return e.AOR == "" })
	if len(list) == 0 {
		q.found(0)
		return Done
	}
	q.print("\n" + aorHead(0) + contactHead(1) + doubleRule)
	for _, e := range list {
		q.aorRows(0, e)
		q.print("\n")
	}
	q.found(len(list))
	return Done
}

// uriColumn is the width of a registration's name and address (Asterisk:
// res_pjsip_outbound_registration.c REGISTRATION_URI_FIELD_LEN, and the slash).
const uriColumn = 54

func showRegistrations(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	list := q.s.o.Phones.Registrations()
	if len(list) == 0 {
		q.found(0)
		return Done
	}
	q.print("\n <Registration/ServerURI..............................>  <Auth....................>  <Status.......>\n" + doubleRule)
	for _, r := range list {
		auth := r.Auth
		if auth == "" {
			auth = "n/a"
		}
		q.printf(" %s  %s  %s%s\n", wire.Left(r.Name+"/"+r.ServerURI, uriColumn), wire.Pad(auth, 26), wire.Pad(r.Status, 16), expires(r.Next))
	}
	q.found(len(list))
	return Done
}

// expires tells when a registration is tried or renewed next.
func expires(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	if s := int(time.Until(at).Seconds()); s >= 0 {
		return fmt.Sprintf("  (exp. %ds)", s)
	}
	return fmt.Sprintf("  (exp. %ds ago)", int(time.Since(at).Seconds()))
}

func showPJSIPChannels(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	var list []string
	for _, c := range q.s.o.Switch.Channels() {
		if c.Technology == "PJSIP" {
			list = append(list, c.Name)
		}
	}
	if len(list) == 0 {
		q.found(0)
		return Done
	}
	q.print("\n" + channelHead(0) + doubleRule)
	for _, name := range list {
		q.channelRows(0, name)
		q.print("\n")
	}
	q.found(len(list))
	return Done
}
