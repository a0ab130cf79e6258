package app

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/config"
)

var (
	amiUnique     = regexp.MustCompile(`\b\d{10}\.\d+\b`)
	amiMoments    = regexp.MustCompile(`(?m)^(Uptime|LastReload|Timestamp|Duration|StartTime|AnswerTime|EndTime|BillableSeconds|Core(?:Startup|Reload)(?:Date|Time)): .*$`)
	amiBridges    = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	amiStatistics = regexp.MustCompile(`(?m)^(Value: ) *(ssrc|min)[^\n]*$`)
)

// amiTrace talks to the door of AMI and writes down what was said.
type amiTrace struct {
	*testing.T
	conn net.Conn
	r    *bufio.Reader
	out  bytes.Buffer
}

// read gives one packet, as it is written down.
func (tr *amiTrace) read() string {
	tr.Helper()
	var b strings.Builder
	for {
		line, err := tr.r.ReadString('\n')
		if err != nil {
			tr.Fatalf("%v after %s", err, tr.out.String())
		}
		if line == "\r\n" {
			break
		}
		if !strings.HasSuffix(line, "\r\n") {
			tr.Errorf("%q does not end with CRLF", line)
		}
		b.WriteString(strings.TrimSuffix(line, "\r\n") + "\n")
	}
	s := amiMoments.ReplaceAllString(b.String(), "$1: TIME")
	s = amiStatistics.ReplaceAllString(s, "${1}STATISTICS")
	s = amiBridges.ReplaceAllString(s, "BRIDGE")
	return ariNames.ReplaceAllString(amiUnique.ReplaceAllString(s, "UNIQUE"), "$1-N")
}

// send sends an action, its lines between commas, and writes down what comes until one
// packet contains all of what.
func (tr *amiTrace) send(lines []string, what ...string) {
	tr.Helper()
	fmt.Fprintf(&tr.out, "> %s\n\n", strings.Join(lines, "\n> "))
	if _, err := tr.conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n\r\n")); err != nil {
		tr.Fatal(err)
	}
	for {
		p := tr.read()
		tr.out.WriteString(p + "\n")
		if !slices.ContainsFunc(what, func(w string) bool { return !strings.Contains(p, w) }) {
			return
		}
	}
}

// What AMI says about one call, to the letter, and what the metrics count of it.
func TestGoldenTraceOfAMI(t *testing.T) {
	a, err := New(Options{Log: t.Output(), Adjust: func(c *config.Config) {
		onLoopback(t.TempDir())(c)
		c.AMI.Listen, c.AMI.CDREvents, c.AMI.Strict = "127.0.0.1:0", true, true
		c.AMI.Users = map[string]config.AMIUser{"crm": {Secret: "choose-one-1", Read: []string{"all"}, Write: []string{"all"}}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.AMI)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	tr := &amiTrace{T: t, conn: conn, r: bufio.NewReader(conn)}
	banner, err := tr.r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	tr.out.WriteString(strings.TrimSuffix(banner, "\r\n") + "\n\n")
	tr.send([]string{"Action: Ping", "ActionID: 0"}, "Response: Error")
	tr.send([]string{"Action: Login", "ActionID: 1", "Username: crm", "Secret: choose-one-1"}, "Event: FullyBooted")
	// States of devices come in no fixed order with the events of calls.
	tr.send([]string{"Action: Filter", "ActionID: F", "Operation: Add", "MatchCriteria: action(exclude),name(DeviceStateChange)"}, "ActionID: F")
	tr.send([]string{"Action: Originate", "ActionID: 2", "Channel: Pretend/180?ring=200ms&talk=1h", "Application: System", "Data: id"}, "Response: Error")
	tr.send([]string{
		"Action: Originate", "ActionID: 3", "Channel: Pretend/180?ring=200ms&talk=1h", "Application: Wait", "Data: 3600", "ChannelId: A",
		`CallerID: "Web Call" <5551234>`, "Account: acct1", "Variable: FOO=bar,BAZ=q x", "Async: true",
	}, "Event: OriginateResponse")
	tr.send([]string{"Action: Getvar", "ActionID: 4", "Channel: A", "Variable: FOO"}, "Response: Success")
	tr.send([]string{"Action: DBPut", "ActionID: 5", "Family: actionlist", "Key: DIALPROXY-office", "Val: PJSIP/101~timeout=20"}, "Response: Success")
	tr.send([]string{"Action: Command", "ActionID: 6", "Command: database show actionlist"}, "Response: Success")
	tr.send([]string{"Action: UserEvent", "ActionID: 7", "UserEvent: Ticket", "Number: 4711"}, "Event: UserEvent")
	tr.send([]string{"Action: Hangup", "ActionID: 8", "Channel: A", "Cause: 17"}, "Event: Cdr")
	tr.send([]string{"Action: Originate", "ActionID: 9", "Channel: Pretend/486", "Application: Wait", "Data: 1"}, "Event: Cdr")
	tr.send([]string{"Action: Nonsense", "ActionID: 10"}, "ActionID: 10")
	tr.send([]string{"Action: Logoff", "ActionID: 11"}, "Response: Goodbye")

	golden(t, "ami.golden", tr.out.String())

	metrics := fetch(t, r.HTTP+"/metrics")
	for _, want := range []string{
		`dialwright_ami_actions_total{action="Originate"} 3` + "\n", `dialwright_ami_actions_total{action=""} 1` + "\n", "dialwright_ami_logins_failed_total 0\n",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
}

// fetch gives the body of an answer.
func fetch(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What dialproxy.php answers, to the letter.
func TestGoldenTraceOfDialproxy(t *testing.T) {
	a, err := New(Options{Log: t.Output(), Adjust: func(c *config.Config) {
		onLoopback(t.TempDir())(c)
		c.Dialproxy.Enabled, c.Dialproxy.Prefixes, c.Dialproxy.Pause.Duration = true, "00~0~49~", 1
		c.Phones = map[string]config.Phone{"101": {Password: "choose-one-1"}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for label, value := range map[string]string{
		"office": "Pretend/2~context=default~allow=127.0.0.1", "busy": "Pretend/486~allow=127.0.0.1", "far": "Pretend/2~allow=192.0.2.1", "open": "Pretend/2",
	} {
		if err := a.store.DBPut(t.Context(), "actionlist", "DIALPROXY-"+label, value); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	for _, q := range []url.Values{
		{"num": {"+49 (0)89 1"}, "ext": {"office"}, "debug": {"1"}},
		{"num": {"101"}, "ext": {"busy"}},
		{"num": {"101"}, "ext": {"office"}},
		{"phone": {"101"}, "exten": {"far"}},
		{"num": {"101"}, "ext": {"open"}},
		{"num": {"101"}, "ext": {"nobody"}},
		{"num": {""}, "ext": {"office"}},
		{"num": {"101"}, "ext": {"a\r\nAction: Ping"}},
	} {
		resp, err := http.PostForm(r.HTTP+"/dialproxy.php", q)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		if _, err := body.ReadFrom(resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		fmt.Fprintf(&out, "> POST /dialproxy.php %s\n%s\nContent-Type: %s\nX-Call-Result: %s\n%s\n", q.Encode(), resp.Status, resp.Header.Get("Content-Type"),
			resp.Header.Get("X-Call-Result"), body.String())
	}
	golden(t, "dialproxy.golden", out.String())
}
