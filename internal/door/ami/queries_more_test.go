package ami

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/pbx"
)

// TestClassesOfActions wants the table of spec: ami 3.1 of every action that is there, and
// that each is there but for those that are left out on purpose.
func TestClassesOfActions(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for classes, names := range map[string]string{
		"<none>":                    "Login Logoff Challenge Ping Events ListCommands WaitEvent QueueStatus QueueSummary QueueRule QueueReset BridgeInfo BridgeList",
		"originate,all":             "Originate",
		"system,call,all":           "Hangup AbsoluteTimeout StopMixMonitor MixMonitorMute",
		"system,call,reporting,all": "Status",
		"system,reporting,all":      "CoreShowChannels CoreShowChannelMap CoreStatus CoreSettings DBGet DBGetTree PJSIPShowRegistrationsOutbound",
		"call,reporting,all":        "Getvar ExtensionState ExtensionStateList DeviceStateList PresenceState MailboxStatus MailboxCount",
		"call,all":                  "Setvar Redirect Atxfer CancelAtxfer BlindTransfer Bridge Park ParkedCalls Parkinglots PlayDTMF SendText BridgeDestroy BridgeKick", // the last two are none there, an error (spec: ami 11)
		"command,all":               "Command",
		"system,all":                "DBPut DBDel DBDelTree MixMonitor Filter PJSIPShowEndpoints PJSIPShowEndpoint PJSIPShowAors PJSIPShowContacts",
		"user,all":                  "UserEvent",
		"config,reporting,all":      "ShowDialPlan",
		"system,config,all":         "Reload",
		"message,all":               "MessageSend",
		"agent,all":                 "QueueAdd QueueRemove QueuePause QueuePenalty QueueLog",
	} {
		for name := range strings.FieldsSeq(names) {
			want[name] = classes
		}
	}
	got := map[string]string{}
	for _, a := range newLab(t, nil).server.Actions() {
		got[a.Name] = a.Class
		if a.Summary == "" || strings.ContainsAny(a.Summary, "\r\n") {
			t.Errorf("%s: %q", a.Name, a.Summary)
		}
	}
	for name, class := range want {
		if got[name] != class {
			t.Errorf("%s needs %q, want %q", name, got[name], class)
		}
	}
}

// asked is a request and what comes of it, each packet with its lines joined by LF.
type asked struct {
	name, request string
	want          []string
}

func (u *user) ask(t *testing.T, list []asked) {
	t.Helper()
	for _, c := range list {
		u.say(strings.Split(c.request, "\n")...)
		var got []string
		for range c.want {
			got = append(got, u.next())
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func fails(name, request, text string) asked {
	return asked{name, request, []string{"Response: Error\nMessage: " + text}}
}

func does(name, request, text string) asked {
	return asked{name, request, []string{"Response: Success\n" + text}}
}

func begins(text string) string { return "Response: Success\nEventList: start\nMessage: " + text }

func ends(event string, more string) string {
	return "Event: " + event + "\nEventList: Complete\nListItems: " + more
}

// TestQueries asks what trace s5 does not.
func TestQueries(t *testing.T) {
	t.Parallel()
	started := time.Date(2026, 11, 22, 4, 6, 46, 0, time.Local)
	l := desk(t, func(o *Options, _ *Config) {
		o.Started, o.SystemName, o.MaxCalls = started, "lab1", 7
		o.Reloaded = func() time.Time { return started.Add(time.Hour) }
	})
	u := l.login("tracer", "tracepw", "off")
	u.ask(t, []asked{
		does("core status", "Action: CoreStatus", "CoreStartupDate: 2026-11-22\nCoreStartupTime: 04:06:46\nCoreReloadDate: 2026-11-22\nCoreReloadTime: 05:06:46\nCoreCurrentCalls: 0\nCoreProcessedCalls: 0"),
		does("core settings", "Action: CoreSettings", "AMIversion: 11.0.0\nAsteriskVersion: 22.10.1\nSystemName: lab1\nCoreMaxCalls: 7\nCoreMaxLoadAvg: 0.000000\nCoreRunUser: \nCoreRunGroup: \nCoreMaxFilehandles: 0\nCoreRealTimeEnabled: No\nCoreCDRenabled: Yes\nCoreHTTPenabled: Yes\nSoundsSearchCustomDir: No"),
		fails("blacklist, blanks and case", "Action: Command\nCommand:   Module   UNLOAD x", "Command blacklisted"),
		fails("blacklist, restart", "Action: Command\nCommand: restart gracefully", "Command blacklisted"),
		does("a command of the blacklist that is another one", "Action: Command\nCommand: database show", "Message: Command output follows\nOutput: 0 results found."),
		does("reload", "Action: Reload", "Message: Module Reloaded"),
		fails("reload, busy", "Action: Reload\nModule: busy", "A reload is in progress"),
		fails("reload, broken", "Action: Reload\nModule: broken", "An unknown error occurred"),
		does("mailbox", "Action: MailboxStatus\nMailbox: 7", "Message: Mailbox Status\nMailbox: 7\nWaiting: 1"),
		does("mailboxes", "Action: MailboxCount\nMailbox: 7@default, 8", "Message: Mailbox Message Count\nMailbox: 7@default, 8\nUrgMessages: 0\nNewMessages: 2\nOldMessages: 1"),
		fails("no mailbox", "Action: MailboxStatus", "Mailbox not specified"),
		fails("no mailbox", "Action: MailboxCount", "Mailbox not specified"),
		does("voicemail", "Action: VoicemailUsersList", "Message: There are no voicemail users currently defined."),
		fails("presence", "Action: PresenceState", "No provider specified"),
		fails("presence", "Action: PresenceState\nProvider: x", "Invalid provider address or failure in provider"),
		{"presences", "Action: PresenceStateList", []string{begins("Presence State Changes will follow"), ends("PresenceStateListComplete", "0")}},
		fails("text to nobody", "Action: MessageSend", "No 'To' address specified."),
		fails("text, no phones", "Action: MessageSend\nTo: pjsip:101", "Message technology not found."),
		fails("queue", "Action: QueueAdd\nInterface: x", "'Queue' not specified."),
		fails("queue", "Action: QueueAdd\nQueue: x", "'Interface' not specified."),
		fails("queue", "Action: QueueAdd\nQueue: x\nInterface: y", "Unable to add interface to queue: No such queue"),
		fails("queue", "Action: QueueRemove\nQueue: x", "Need 'Queue' and 'Interface' parameters."),
		fails("queue", "Action: QueueRemove\nQueue: x\nInterface: y", "Unable to remove interface from queue: No such queue"),
		fails("queue", "Action: QueuePause\nInterface: x", "Need 'Interface' and 'Paused' parameters."),
		fails("queue", "Action: QueuePause\nInterface: x\nPaused: yes", "Interface not found"),
		fails("queue", "Action: QueuePenalty", "Need 'Interface' and 'Penalty' parameters."),
		fails("queue", "Action: QueuePenalty\nInterface: x\nPenalty: 1", "Invalid interface, queuename or penalty"),
		fails("queue", "Action: QueueLog", "Need 'Queue' and 'Event' parameters."),
		fails("queue", "Action: QueueLog\nQueue: x\nEvent: y", "There is no log of queues"),
		fails("queue", "Action: QueueRule\nRule: x", "Invalid rule name specified"),
		{"queue", "Action: QueueRule", []string{"Response: Success"}},
		does("queue", "Action: QueueReset", "Message: Queue stats reset successfully"),
		fails("an extension that is not there", "Action: ShowDialPlan\nContext: short\nExtension: 9", "Did not find extension 9@short"),
		fails("an extension that is nowhere", "Action: ShowDialPlan\nExtension: abc", "Did not find extension abc in any context"),
		{"an endpoint by its dial string", "Action: PJSIPShowEndpoint\nEndpoint: pjsip/nobody", []string{"Response: Error\nMessage: Unable to retrieve endpoint nobody"}},
	})
}

// TestTreesOfDatabase compares names exactly, and takes another case only to list.
func TestTreesOfDatabase(t *testing.T) {
	t.Parallel()
	u := desk(t, nil).login("tracer", "tracepw", "off")
	item := "Event: DBGetTreeResponse\nKey: /Fam/a/K\nVal: v"
	u.ask(t, []asked{
		does("put", "Action: DBPut\nFamily: Fam/a\nKey: K\nVal: v", "Message: Updated database successfully"),
		{"tree", "Action: DBGetTree\nFamily: Fam", []string{begins("Result will follow"), item, ends("DBGetTreeComplete", "1")}},
		{"the entry itself", "Action: DBGetTree\nFamily: Fam\nKey: a/K", []string{begins("Result will follow"), item, ends("DBGetTreeComplete", "1")}},
		{"another case", "Action: DBGetTree\nFamily: fam", []string{begins("Result will follow"), item, ends("DBGetTreeComplete", "1")}},
		{"part of an element", "Action: DBGetTree\nFamily: Fa", []string{begins("Result will follow"), ends("DBGetTreeComplete", "0")}},
		{"a wildcard of SQL", "Action: DBGetTree\nFamily: F%", []string{begins("Result will follow"), ends("DBGetTreeComplete", "0")}},
		{"a key without its family", "Action: DBGetTree\nKey: a", []string{begins("Result will follow"), item, ends("DBGetTreeComplete", "1")}},
		fails("another case", "Action: DBDelTree\nFamily: FAM", "Database entry not found"),
		fails("a wildcard of SQL", "Action: DBDelTree\nFamily: F_m", "Database entry not found"),
		fails("nothing but slashes", "Action: DBDelTree\nFamily: /", "Database entry not found"),
		fails("another case", "Action: DBGet\nFamily: fam\nKey: a/K", "Database entry not found"),
		does("tree", "Action: DBDelTree\nFamily: Fam\nKey: a", "Message: Key tree deleted successfully"),
		fails("again", "Action: DBDelTree\nFamily: Fam\nKey: a", "Database entry not found"),
	})
}

// TestShowAllOfDialPlan lists every context in its order, with hints in front.
func TestShowAllOfDialPlan(t *testing.T) {
	t.Parallel()
	u := desk(t, nil).login("tracer", "tracepw", "off")
	u.say("Action: ShowDialPlan", "ActionID: 9")
	var got []string
	for p := u.next(); ; p = u.next() {
		got = append(got, p)
		if strings.HasPrefix(p, "Event: ShowDialPlanComplete") {
			break
		}
	}
	if len(got) != 14 || got[1] != "Event: ListDialplan\nActionID: 9\nContext: default\nExtension: 101\nPriority: hint\nApplication: PJSIP/alice\nRegistrar: pbx_config" ||
		got[13] != "Event: ShowDialPlanComplete\nActionID: 9\nEventList: Complete\nListItems: 12\nListExtensions: 4\nListPriorities: 12\nListContexts: 2" {
		t.Errorf("%d packets: %q", len(got), got)
	}
}

// TestRegistrations lists phones that have registered and our own registrations, without
// any secret.
func TestRegistrations(t *testing.T) {
	t.Parallel()
	expires := time.Unix(1795320407, 0)
	l := desk(t, func(o *Options, _ *Config) {
		o.Contacts = &phoneBook{
			endpoints: []Endpoint{{
				Name: "7", State: "In use", Channels: 1, Context: "office", CallerID: `"Ann" <7>`, Codecs: []string{"ulaw", "g722"}, Transport: "udp", Bind: "0.0.0.0:5060",
				Auth: "7", MaxContacts: 5, Match: []string{"192.0.2.0/24"},
				Contacts: []Contact{{AOR: "7", URI: "sip:7@192.0.2.7:5060", Status: "Reachable", RTT: 1500 * time.Microsecond, Expires: expires, UserAgent: "Phone/1", ViaAddress: "192.0.2.7:5060", CallID: "c1"}},
			}},
			registrations: []Registration{
				{Name: "isp", ServerURI: "sip:isp.example", ClientURI: "sip:me@isp.example", Status: "Registered", Endpoint: "isp", Expiration: 5 * time.Minute},
				{Name: "old", ServerURI: "sip:old.example", ClientURI: "sip:me@old.example", Status: "Rejected", Next: time.Now().Add(-time.Hour)},
			},
		}
	})
	u := l.login("tracer", "tracepw", "off")
	status := "Event: ContactStatusDetail\nAOR: 7\nURI: sip:7@192.0.2.7:5060\nUserAgent: Phone/1\nRegExpire: 1795320407\nViaAddress: 192.0.2.7:5060\nCallID: c1\nStatus: Reachable\nRoundtripUsec: 1500\nEndpointName: 7\nID: 7@@sip:7@192.0.2.7:5060\nAuthenticateQualify: 0\nOutboundProxy: \nPath: \nQualifyFrequency: 0\nQualifyTimeout: 3.000\nQualify2xxOnly: 0"
	u.ask(t, []asked{
		{"contacts", "Action: PJSIPShowContacts", []string{
			begins("A listing of Contacts follows, presented as ContactList events"),
			"Event: ContactList\nObjectType: contact\nObjectName: 7@@sip:7@192.0.2.7:5060\nViaAddr: 192.0.2.7\nQualifyTimeout: 3.000000\nCallId: c1\nRegServer: \nPruneOnBoot: no\nPath: \nEndpoint: 7\nViaPort: 5060\nAuthenticateQualify: no\nUri: sip:7@192.0.2.7:5060\nQualifyFrequency: 0\nUserAgent: Phone/1\nExpirationTime: 1795320407\nOutboundProxy: \nStatus: Reachable\nRoundtripUsec: 1500",
			ends("ContactListComplete", "1"),
		}},
		{"inbound contacts", "Action: PJSIPShowRegistrationInboundContactStatuses", []string{
			begins("Following are ContactStatusEvents for each Inbound registration"), status, ends("ContactStatusDetailComplete", "1"),
		}},
	})
	u.say("Action: PJSIPShowEndpoint", "Endpoint: PJSIP/7")
	var kinds []string
	for p := u.next(); !strings.HasPrefix(p, "Event: EndpointDetailComplete"); p = u.next() {
		kind, rest, _ := strings.Cut(p, "\n")
		kinds = append(kinds, kind)
		for line := range strings.SplitSeq(rest, "\n") {
			if strings.HasPrefix(line, "Password:") && line != "Password: " {
				t.Error(line)
			}
		}
		for _, want := range map[string][]string{
			"Event: EndpointDetail": {"Context: office", `Callerid: "Ann" <7>`, "Allow: (ulaw|g722)", "DeviceState: In use", "ActiveChannels: 1", "Auth: 7"},
			"Event: AorDetail":      {"MaxContacts: 5", "Contacts: 7/sip:7@192.0.2.7:5060", "TotalContacts: 1", "ContactsRegistered: 1"},
		}[kind] {
			if !slices.Contains(strings.Split(rest, "\n"), want) {
				t.Errorf("%s: no %q in %s", kind, want, rest)
			}
		}
	}
	if d := cmp.Diff([]string{"Response: Success", "Event: EndpointDetail", "Event: AorDetail", "Event: AuthDetail", "Event: TransportDetail", "Event: IdentifyDetail", "Event: ContactStatusDetail"}, kinds); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	u.say("Action: PJSIPShowRegistrationsOutbound")
	packets := []string{u.next(), u.next(), u.next(), u.next()}
	if !strings.Contains(packets[1], "\nObjectName: isp\n") || !strings.Contains(packets[1], "\nExpiration: 300\n") || !strings.HasSuffix(packets[1], "\nStatus: Registered\nNextReg: 0") ||
		!strings.HasSuffix(packets[2], "\nStatus: Rejected\nNextReg: 0") || !strings.HasSuffix(packets[3], "\nListItems: 2\nRegistered: 1\nNotRegistered: 1") {
		t.Errorf("%q", packets)
	}
}

// TestWithoutParts answers with errors and empty lists when a part of the server is not
// there.
func TestWithoutParts(t *testing.T) {
	t.Parallel()
	u := listening(t, nil).login("tracer", "tracepw", "off")
	u.ask(t, []asked{
		fails("database", "Action: DBGet\nFamily: a\nKey: b", "Database unavailable"),
		fails("command", "Action: Command\nCommand: core show uptime", "Commands are not available"),
		fails("reload", "Action: Reload", "No such module"),
		fails("contacts", "Action: PJSIPShowContacts", "No Contacts found"),
		does("hint", "Action: ExtensionState\nExten: 1", "Message: Extension Status\nExten: 1\nContext: default\nHint: \nStatus: -1\nStatusText: Unknown"),
		{"hints", "Action: ExtensionStateList", []string{begins("Extension Statuses will follow"), ends("ExtensionStateListComplete", "0")}},
		{"devices", "Action: DeviceStateList", []string{begins("Device State Changes will follow"), ends("DeviceStateListComplete", "0")}},
		{"dialplan", "Action: ShowDialPlan", []string{begins("DialPlan list will follow"), ends("ShowDialPlanComplete", "0\nListExtensions: 0\nListPriorities: 0\nListContexts: 0")}},
		does("mailbox", "Action: MailboxStatus\nMailbox: 7", "Message: Mailbox Status\nMailbox: 7\nWaiting: 0"),
	})
}

// postman is Phones: it hands over each text, and reaches nobody called "nobody".
type postman chan []string

func (p postman) Message(_ context.Context, from, to, body string, vars map[string]string) error {
	if strings.HasSuffix(to, "nobody") {
		return errors.New("nobody is there")
	}
	p <- []string{from, to, body, vars["A"]}
	return nil
}

func TestMessageSend(t *testing.T) {
	t.Parallel()
	p := make(postman, 1)
	u := listening(t, func(o *Options, _ *Config) { o.Phones = p }).login("tracer", "tracepw", "off")
	u.ask(t, []asked{
		does("a text", "Action: MessageSend\nTo: pjsip:7\nFrom: sip:a@b\nBody: hello\nVariable: A=1", "Message: Message successfully sent"),
		fails("to nobody", "Action: MessageSend\nTo: pjsip:nobody\nBody: hello", "Message failed to send."),
		fails("no base64", "Action: MessageSend\nTo: sip:7\nBase64Body: !", "Message failed to send."),
		fails("by pigeon", "Action: MessageSend\nTo: pigeon:7\nBody: x", "Message technology not found."),
	})
	if d := cmp.Diff([]string{"sip:a@b", "pjsip:7", "hello", "1"}, <-p); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	u.ask(t, []asked{does("in base64", "Action: MessageSend\nDestination: pjsip:8\nTo: x\nBase64Body: aGkKeW91", "Message: Message successfully sent")})
	if d := cmp.Diff([]string{"", "pjsip:8", "hi\nyou", ""}, <-p); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestHintsAreTold sends ExtensionStatus behind the device's change, once.
func TestHintsAreTold(t *testing.T) {
	t.Parallel()
	l := desk(t, nil)
	u := l.login("tracer", "tracepw", "call")
	type endpoints interface {
		Endpoint(pbx.EventType, pbx.EndpointSnapshot)
	}
	l.server.o.Devices.(endpoints).Endpoint(pbx.EndpointStateChange, pbx.EndpointSnapshot{Technology: "PJSIP", Resource: "alice", State: "offline"})
	for { // those of the beginning may still be told
		p := u.next()
		if p == "Event: DeviceStateChange\nPrivilege: call,all\nDevice: PJSIP/alice\nState: UNAVAILABLE" {
			break
		}
	}
	u.want("Event: ExtensionStatus", "Privilege: call,all", "Exten: 101", "Context: default", "Hint: PJSIP/alice", "Status: 4", "StatusText: Unavailable")
	u.say("Action: ExtensionState", "Exten: 101")
	u.want("Response: Success", "Message: Extension Status", "Exten: 101", "Context: default", "Hint: PJSIP/alice", "Status: 4", "StatusText: Unavailable")
}
