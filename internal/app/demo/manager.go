package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// manager is a small program of AMI: it logs in, originates a call and follows its
// events until both phones are free.
type manager struct {
	conn net.Conn
	r    *textproto.Reader
	step func(text string)
}

const amiUser = "demo"

// dialManager opens a connection to AMI and logs in, for the call through a door.
func (d *Demo) dialManager(ctx context.Context, door string) (*manager, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", d.ready.AMI)
	if err != nil {
		return nil, err
	}
	m := &manager{conn: conn, r: textproto.NewReader(bufio.NewReader(conn)), step: func(string) {}}
	if d.o.Step != nil {
		m.step = func(text string) { d.o.Step(door, time.Now(), text) }
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	if _, err := m.r.ReadLine(); err != nil { // the banner
		return nil, errors.Join(err, conn.Close())
	}
	if err := m.do("Login", "Username", amiUser, "Secret", d.secret); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return m, nil
}

// do sends an action and waits for its answer, which must be a success. Events that
// come before it are none of a call yet.
func (m *manager) do(action string, headers ...string) error {
	var b, shown strings.Builder
	fmt.Fprintf(&b, "Action: %s\r\nActionID: %s\r\n", action, action)
	shown.WriteString("Action " + action)
	for i := 0; i+1 < len(headers); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", headers[i], headers[i+1])
		if headers[i] != "Secret" {
			fmt.Fprintf(&shown, ", %s %s", headers[i], headers[i+1])
		}
	}
	m.step(shown.String())
	if _, err := m.conn.Write([]byte(b.String() + "\r\n")); err != nil {
		return err
	}
	for {
		h, err := m.r.ReadMIMEHeader()
		switch {
		case err != nil:
			return err
		case h.Get("Response") == "" || h.Get("ActionID") != action:
		case h.Get("Response") != "Success":
			return fmt.Errorf("action %s: %s: %s", action, h.Get("Response"), h.Get("Message"))
		default:
			return nil
		}
	}
}

// follow says what happens until both channels of the call have gone.
func (m *manager) follow() error {
	for gone := 0; gone < 2; {
		h, err := m.r.ReadMIMEHeader()
		if err != nil {
			return err
		}
		switch event := h.Get("Event"); event {
		case "OriginateResponse":
			m.step("event OriginateResponse " + h.Get("Channel") + " " + h.Get("Response") + " reason " + h.Get("Reason"))
			if h.Get("Response") != "Success" {
				return fmt.Errorf("the originate failed, reason %s", h.Get("Reason"))
			}
		case "DialState", "DialEnd":
			m.step("event " + event + " " + h.Get("DestChannel") + " " + h.Get("DialStatus"))
		case "BridgeEnter":
			m.step("event BridgeEnter " + h.Get("Channel"))
		case "Hangup":
			m.step("event Hangup " + h.Get("Channel") + ": " + h.Get("Cause-Txt"))
			gone++
		}
	}
	return nil
}

// callByManager is Call through the door of AMI.
func (d *Demo) callByManager(ctx context.Context) (Heard, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	m, err := d.dialManager(ctx, "ami")
	if err != nil {
		return Heard{}, fmt.Errorf("door ami: %w", err)
	}
	defer m.conn.Close()
	ears := make(chan Heard, 1)
	go func() { ears <- d.listen(ctx, "ami") }()
	err = m.do("Originate", "Channel", "PJSIP/101", "Context", "demo", "Exten", "102", "Priority", "1",
		"CallerID", `"Demo" <102>`, "Timeout", "20000", "Async", "true")
	if err == nil {
		err = m.follow()
	}
	if err != nil {
		cancel() // nothing more will be heard
	}
	h := <-ears
	if err != nil && h.Err == nil {
		h.Err = fmt.Errorf("door ami: %w", err)
	}
	return h, nil
}

// label is the demonstration's user of dialproxy.
const label = "demo"

// click places a call as a browser's or address book's click-to-dial does, by a link of
// dialproxy.php, after the label's entry has been written to the actionlist.
func (d *Demo) click(ctx context.Context, cl *client.Client) (made rest.Call, err error) {
	m, err := d.dialManager(ctx, "dialproxy")
	if err != nil {
		return made, err
	}
	err = m.do("DBPut", "Family", "actionlist", "Key", "DIALPROXY-"+label, "Val", "PJSIP/101~context=demo~callerid=Demo <102>~allow=127.0.0.1")
	if err = errors.Join(err, m.conn.Close()); err != nil {
		return made, err
	}
	u := d.ready.HTTP + "/dialproxy.php?" + url.Values{"num": {"102"}, "ext": {label}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return made, err
	}
	resp, err := http.DefaultClient.Do(req) // answered when 101 is
	if err != nil {
		return made, err
	}
	if err := resp.Body.Close(); err != nil {
		return made, err
	}
	if resp.StatusCode != http.StatusOK {
		return made, fmt.Errorf("GET %s: %s", u, resp.Status)
	}
	var list struct{ Calls []rest.Call }
	if err := cl.Get(ctx, "/v1/calls", url.Values{"door": {"dialproxy"}, "limit": {"1"}}, &list); err != nil {
		return made, err
	}
	if len(list.Calls) == 0 {
		return made, fmt.Errorf("GET %s was answered, but there is no call", u)
	}
	return list.Calls[0], nil
}
