package ami

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// Endpoint is a phone or trunk as the actions PJSIPShow… tell of it. Its AOR has its name.
type Endpoint struct {
	Name         string
	State        string // "Not in use", "Unavailable" … (Asterisk: devicestate.c ast_devstate2str)
	Channels     int    // live ones
	Context      string
	CallerID     string   // `"Name" <number>`, "" = none
	Codecs       []string // as Asterisk names them: "ulaw"
	Transport    string   // "udp", "" = any
	Bind         string   // address of that transport
	Auth         string   // user name that it logs in with, "" = it need not
	OutboundAuth string   // user name that we log in with
	MaxContacts  int      // devices that may register, 0 = none
	Match        []string // networks from which it is known
	Contacts     []Contact
}

// endpointActions are about phones and trunks. Secrets are never told.
func (s *Server) endpointActions() []action {
	return []action{
		{"PJSIPShowEndpoints", "List phones and trunks.", wire.System, s.showEndpoints},
		{"PJSIPShowEndpoint", "Tell all about a phone or trunk.", wire.System, s.showEndpoint},
		{"PJSIPShowAors", "List where phones register.", wire.System, s.showAORs},
		{"PJSIPShowContacts", "List the addresses at which phones can be reached.", wire.System, s.showContacts},
		{"PJSIPShowRegistrationsInbound", "List the phones that are registered.", wire.System | wire.Reporting, s.showInbound},
		{"PJSIPShowRegistrationInboundContactStatuses", "List registered phones with their contacts.", wire.System | wire.Reporting, s.showInboundContacts},
		{"PJSIPShowRegistrationsOutbound", "List our registrations at providers.", wire.System | wire.Reporting, s.showOutbound},
	}
}

// endpoints lists phones and trunks, in the order of Options.Contacts.
func (s *Server) endpoints() []Endpoint {
	if s.o.Contacts == nil {
		return nil
	}
	return s.o.Contacts.Endpoints()
}

// contactList names contacts as "aor/uri", with a separator behind each.
func contactList(e *Endpoint) string {
	var b strings.Builder
	for _, c := range e.Contacts {
		b.WriteString(e.Name + "/" + c.URI + ",")
	}
	return b.String()
}

func (s *Server) showEndpoints(_ context.Context, q *request) answer {
	var items []*wire.Message
	for _, e := range s.endpoints() {
		items = append(items, q.item("EndpointList").Add("ObjectType", "endpoint").Add("ObjectName", e.Name).
			Add("Transport", e.Transport).Add("Aor", e.Name).Add("Auths", e.Auth).Add("OutboundAuths", e.OutboundAuth).
			Add("Contacts", contactList(&e)).Add("DeviceState", e.State).Add("ActiveChannels", itoa(e.Channels)))
	}
	return q.list("A listing of Endpoints follows, presented as EndpointList events", "EndpointListComplete", items)
}

// showEndpoint tells all about one; its name may have the technology in front.
func (s *Server) showEndpoint(_ context.Context, q *request) answer {
	name := q.get("Endpoint")
	if len(name) > 6 && strings.EqualFold(name[:6], "PJSIP/") {
		name = name[6:]
	}
	for _, e := range s.endpoints() {
		if e.Name == name {
			return q.list("Following are Events for each object associated with the Endpoint", "EndpointDetailComplete", q.details(&e))
		}
	}
	return q.fail("Unable to retrieve endpoint " + name)
}

// details are the objects of an endpoint.
func (q *request) details(e *Endpoint) []*wire.Message {
	items := []*wire.Message{q.endpointDetail(e), q.aorDetail(e)}
	for _, auth := range [...]string{e.Auth, e.OutboundAuth} {
		if auth != "" {
			items = append(items, q.item("AuthDetail").Add("ObjectType", "auth").Add("ObjectName", auth).Add("Username", auth).
				Add("Password", "").Add("Md5Cred", "").Add("Realm", "").Add("NonceLifetime", "32").Add("AuthType", "userpass").
				Add("EndpointName", e.Name))
		}
	}
	if e.Transport != "" {
		items = append(items, q.fill("TransportDetail", transportDetail, map[string]string{
			"ObjectName": e.Transport, "Protocol": e.Transport, "Bind": e.Bind, "EndpointName": e.Name,
		}))
	}
	if len(e.Match) > 0 {
		items = append(items, q.item("IdentifyDetail").Add("ObjectType", "identify").Add("ObjectName", e.Name).Add("Endpoint", e.Name).
			Add("SrvLookups", "true").Add("Match", strings.Join(e.Match, ",")).Add("MatchHeader", "").Add("MatchRequestUri", "").
			Add("EndpointName", e.Name))
	}
	for _, c := range e.Contacts {
		items = append(items, q.contactDetail(e.Name, &c))
	}
	return items
}

func (q *request) endpointDetail(e *Endpoint) *wire.Message {
	return q.fill("EndpointDetail", endpointDetail, map[string]string{
		"ObjectName": e.Name, "Aors": e.Name, "Context": e.Context, "Transport": e.Transport, "Auth": e.Auth, "OutboundAuth": e.OutboundAuth,
		"Callerid": cmp.Or(e.CallerID, "<unknown>"), "Allow": "(" + strings.Join(e.Codecs, "|") + ")",
		"DeviceState": e.State, "ActiveChannels": itoa(e.Channels),
	})
}

func (q *request) aorDetail(e *Endpoint) *wire.Message {
	registered := 0
	for _, c := range e.Contacts {
		if !c.Expires.IsZero() {
			registered++
		}
	}
	return q.aor("AorDetail", e).Add("TotalContacts", itoa(len(e.Contacts))).Add("ContactsRegistered", itoa(registered)).Add("EndpointName", e.Name)
}

// aor writes the headers that all events about an AOR begin with.
func (q *request) aor(event string, e *Endpoint) *wire.Message {
	return q.fill(event, aorDetail, map[string]string{
		"ObjectName": e.Name, "MaxContacts": itoa(e.MaxContacts), "Contacts": strings.TrimSuffix(contactList(e), ","),
	})
}

// contactDetail tells of one contact (Asterisk: pjsip_options.c ast_sip_format_contact_ami).
func (q *request) contactDetail(endpoint string, c *Contact) *wire.Message {
	m := q.item("ContactStatusDetail").Add("AOR", c.AOR).Add("URI", c.URI).Add("UserAgent", c.UserAgent).Add("RegExpire", epoch(c.Expires))
	if c.ViaAddress != "" {
		m.Add("ViaAddress", c.ViaAddress)
	}
	if c.CallID != "" {
		m.Add("CallID", c.CallID)
	}
	return m.Add("Status", cmp.Or(c.Status, "Unknown")).Add("RoundtripUsec", roundTrip(c)).Add("EndpointName", endpoint).Add("ID", contactID(c)).
		Add("AuthenticateQualify", "0").Add("OutboundProxy", "").Add("Path", "").Add("QualifyFrequency", "0").Add("QualifyTimeout", "3.000").
		Add("Qualify2xxOnly", "0")
}

// contactID names a contact; in Asterisk that of a registration has a hash of its URI in
// the place of the URI.
func contactID(c *Contact) string { return c.AOR + "@@" + c.URI }

// epoch writes an instant as seconds since 1970, 0 = never.
func epoch(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.Unix(), 10)
}

func roundTrip(c *Contact) string {
	if c.RTT <= 0 {
		return "N/A"
	}
	return strconv.FormatInt(c.RTT.Microseconds(), 10)
}

func (s *Server) showAORs(_ context.Context, q *request) answer {
	var items []*wire.Message
	for _, e := range s.endpoints() {
		items = append(items, q.aor("AorList", &e))
	}
	return q.list("A listing of AORs follows, presented as AorList events", "AorListComplete", items)
}

// showContacts lists the contacts of phones that have registered; without any the answer
// is an error. Addresses that are configured are not listed (observed: Asterisk 22.10,
// trace s5).
func (s *Server) showContacts(_ context.Context, q *request) answer {
	var items []*wire.Message
	for _, e := range s.endpoints() {
		for _, c := range e.Contacts {
			if !c.Expires.IsZero() {
				items = append(items, q.contact(e.Name, &c))
			}
		}
	}
	if len(items) == 0 {
		return q.fail("No Contacts found")
	}
	return q.list("A listing of Contacts follows, presented as ContactList events", "ContactListComplete", items)
}

// contact is an item of PJSIPShowContacts.
func (q *request) contact(endpoint string, c *Contact) *wire.Message {
	host, port := c.ViaAddress, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host, port = host[:i], host[i+1:]
	}
	return q.item("ContactList").Add("ObjectType", "contact").Add("ObjectName", contactID(c)).Add("ViaAddr", host).
		Add("QualifyTimeout", "3.000000").Add("CallId", c.CallID).Add("RegServer", c.RegServer).Add("PruneOnBoot", "no").Add("Path", "").
		Add("Endpoint", endpoint).Add("ViaPort", cmp.Or(port, "0")).Add("AuthenticateQualify", "no").Add("Uri", c.URI).Add("QualifyFrequency", "0").
		Add("UserAgent", c.UserAgent).Add("ExpirationTime", epoch(c.Expires)).Add("OutboundProxy", "").
		Add("Status", cmp.Or(c.Status, "Unknown")).Add("RoundtripUsec", roundTrip(c))
}

func (s *Server) showInbound(_ context.Context, q *request) answer {
	var items []*wire.Message
	for _, e := range s.endpoints() {
		if len(e.Contacts) > 0 {
			items = append(items, q.aor("InboundRegistrationDetail", &e))
		}
	}
	return q.list("Following are Events for each Inbound registration", "InboundRegistrationDetailComplete", items)
}

func (s *Server) showInboundContacts(_ context.Context, q *request) answer {
	var items []*wire.Message
	for _, e := range s.endpoints() {
		for _, c := range e.Contacts {
			if !c.Expires.IsZero() {
				items = append(items, q.contactDetail(e.Name, &c))
			}
		}
	}
	return q.list("Following are ContactStatusEvents for each Inbound registration", "ContactStatusDetailComplete", items)
}

// showOutbound lists our registrations (observed: Asterisk 22.10, trace s5, for the end).
func (s *Server) showOutbound(_ context.Context, q *request) answer {
	var list []Registration
	if s.o.Contacts != nil {
		list = s.o.Contacts.Registrations()
	}
	var items []*wire.Message
	registered := 0
	for _, r := range list {
		if r.Status == "Registered" {
			registered++
		}
		next := 0
		if !r.Next.IsZero() {
			next = max(int(time.Until(r.Next)/time.Second), 0)
		}
		items = append(items, q.fill("OutboundRegistrationDetail", registrationDetail, map[string]string{
			"ObjectName": r.Name, "ClientUri": r.ClientURI, "ServerUri": r.ServerURI, "Expiration": fmt.Sprint(int(r.Expiration / time.Second)),
			"Transport": r.Transport, "Endpoint": r.Endpoint, "Status": r.Status, "NextReg": itoa(next),
		}))
	}
	return q.list("Following are Events for each Outbound registration", "OutboundRegistrationDetailComplete", items,
		wire.Header{Name: "Registered", Value: itoa(registered)}, wire.Header{Name: "NotRegistered", Value: itoa(len(list) - registered)})
}

// fill writes an event whose headers a text lists, with values in the place of its own.
func (q *request) fill(event, headers string, values map[string]string) *wire.Message {
	m := q.item(event)
	for line := range strings.Lines(headers) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if v, ok := values[name]; ok {
			value = v
		}
		m.Add(name, strings.TrimPrefix(value, " "))
	}
	return m
}
