package txn

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/emiago/sipgo/sip"
)

// torture is one message of RFC 4475.
type torture struct {
	name    string // of the file, which is the name in the RFC
	section string
	want    int    // status of the answer, 0 for none
	why     string // what the answer says, and where we differ from the RFC's advice
	check   func(t *testing.T, r *sip.Request)
}

// handedUp is the answer of the test's user to a request of a known method,
// elsewhere it is 501.
const handedUp = 299

// tortures are all 49 messages with the answer that rule N3 gives. Differences
// from the RFC's advice start with "differs:".
var tortures = []torture{
	{"wsinv", "3.1.1.1", handedUp, "white space, folding and compact names", checkWsinv},
	{"intmeth", "3.1.1.2", 501, "the method is a token, and nobody's", checkMethod("!interesting-Method0123456789_*+`.%indeed'~")},
	{"esc01", "3.1.1.3", handedUp, "escapes stay escaped", checkEsc01},
	{"escnull", "3.1.1.4", handedUp, "%00 is a character", nil},
	{"esc02", "3.1.1.5", 501, "% does not escape in a method", checkMethod("RE%47IST%45R")},
	{"lwsdisp", "3.1.1.6", handedUp, "no space before <", checkDisplay("caller")},
	{"longreq", "3.1.1.7", 400, "differs: its top Via is of RFC 2543 and has no branch; N3 requires one", nil},
	{"dblreq", "3.1.1.8", handedUp, "what follows the message is ignored", nil},
	{"semiuri", "3.1.1.9", handedUp, "a semicolon in the user part", nil},
	{"transports", "3.1.1.10", handedUp, "unknown transports in Via", nil},
	{"mpart01", "3.1.1.11", handedUp, "a multipart body with NULs", nil},
	{"unreason", "3.1.1.12", 0, "a response to nothing", nil},
	{"noreason", "3.1.1.13", 0, "a response to nothing", nil},
	{"badinv01", "3.1.2.1", 400, "stray separators in Contact and Via", nil},
	{"clerr", "3.1.2.2", 400, "Content-Length beyond the datagram", nil},
	{"ncl", "3.1.2.3", 400, "negative Content-Length", nil},
	{"scalar02", "3.1.2.4", 400, "CSeq above 2**31", nil},
	{"scalarlg", "3.1.2.5", 0, "a response with such a CSeq", nil},
	{"quotbal", "3.1.2.6", 400, "quote without end", nil},
	{"ltgtruri", "3.1.2.7", 400, "<> around the Request-URI", nil},
	{"lwsruri", "3.1.2.8", 400, "white space in the Request-URI", nil},
	{"lwsstart", "3.1.2.9", 400, "two spaces in the start line", nil},
	{"trws", "3.1.2.10", 400, "spaces after the start line", nil},
	{"escruri", "3.1.2.11", 400, "headers in the Request-URI", nil},
	{"baddate", "3.1.2.12", handedUp, "Date is not read; the RFC allows to ignore it", nil},
	{"regbadct", "3.1.2.13", 400, "headers in a Contact without <>", nil},
	{"badaspec", "3.1.2.14", 400, "spaces within <> and no scheme", nil},
	{"baddn", "3.1.2.15", 400, "comma in an unquoted display name", nil},
	{"badvers", "3.1.2.16", 505, "SIP/7.0", nil},
	{"mismatch01", "3.1.2.17", 400, "CSeq of another method", nil},
	{"mismatch02", "3.1.2.18", 400, "CSeq of another method, the request's unknown", nil},
	{"bigcode", "3.1.2.19", 0, "a response with status 4294967301", nil},
	{"badbranch", "3.2.1", handedUp, "a branch of the cookie only is matched as RFC 2543's", nil},
	{"insuf", "3.3.1", 400, "no From, To, Call-ID", nil},
	{"unkscm", "3.3.2", 416, "unknown scheme", nil},
	{"novelsc", "3.3.3", 416, "known scheme, not SIP", nil},
	{"unksm2", "3.3.4", handedUp, "unknown schemes in To, From and Contact are the registrar's to refuse", nil},
	{"bext01", "3.3.5", 420, "unknown Require", nil},
	{"invut", "3.3.6", handedUp, "unknown body type: the user's 415", nil},
	{"regaut01", "3.3.7", handedUp, "unknown authorization scheme: the registrar's 401", nil},
	{"multi01", "3.3.8", 400, "single-value headers twice", nil},
	{"mcl01", "3.3.9", 400, "two Content-Lengths", nil},
	{"bcast", "3.3.10", 0, "a response to nothing, to a broadcast Via", nil},
	{"zeromf", "3.3.11", 483, "differs: an end point may answer OPTIONS; N3 refuses Max-Forwards 0", nil},
	{"cparam01", "3.3.12", handedUp, "unknown Contact header parameter", nil},
	{"cparam02", "3.3.13", handedUp, "unknown Contact URI parameter", nil},
	{"regescrt", "3.3.14", handedUp, "headers in a Contact in <>", nil},
	{"sdp01", "3.3.15", handedUp, "Accept without our body types: the user's 406", nil},
	{"inv2543", "3.4.1", 400, "differs: RFC 2543 had no branch; N3 requires one", nil},
}

func checkMethod(want string) func(*testing.T, *sip.Request) {
	return func(t *testing.T, r *sip.Request) { diff(t, "method", want, string(r.Method)) }
}

func checkDisplay(want string) func(*testing.T, *sip.Request) {
	return func(t *testing.T, r *sip.Request) { diff(t, "display name", want, r.From().DisplayName) }
}

func checkWsinv(t *testing.T, r *sip.Request) {
	diff(t, "To tag", "1918181833n", r.To().Params.GetOr("tag", ""))
	diff(t, "To", "vivekg@chair-dnrc.example.com", r.To().Address.Endpoint())
	diff(t, "From tag", "98asjd8", r.From().Params.GetOr("tag", ""))
	diff(t, "From", `J Rosenberg \\\"`, r.From().DisplayName)
	diff(t, "Max-Forwards", 68, int(*r.MaxForwards()))
	diff(t, "CSeq", "9 INVITE", r.CSeq().Value())
	var vias []string
	for _, v := range r.GetHeaders("via") {
		via := v.(*sip.ViaHeader)
		vias = append(vias, fmt.Sprintf("%s %s %s", via.Transport, via.Host, via.Params.GetOr("branch", "")))
	}
	diff(t, "Via", []string{
		"UDP 192.0.2.2 390skdjuw", "TCP spindle.example.com z9hG4bK9ikj8", "UDP 192.168.255.111 z9hG4bK30239",
	}, vias)
	diff(t, "Route", "sip:services.example.com", r.Route().Address.Addr())
	diff(t, "Contact", "Quoted string \\\"\\\"", r.Contact().DisplayName)
}

func checkEsc01(t *testing.T, r *sip.Request) {
	diff(t, "Request-URI", "sips%3Auser%40example.com", r.Recipient.User)
	diff(t, "Contact", "sip:cal%6Cer@host5.example.net", r.Contact().Address.Addr())
}

// TestN3_RFC4475 sends each message over a real socket to a live engine that
// serves nothing else, followed by a probe. The engine must answer as the
// table says, and must still be there to answer the probe.
func TestN3_RFC4475(t *testing.T) {
	if len(tortures) != 49 {
		t.Errorf("%d messages, RFC 4475 has 49", len(tortures))
	}
	for _, c := range tortures {
		t.Run(c.name, func(t *testing.T) { c.run(t) })
	}
}

// bytes is the message as it goes on the wire.
func (c torture) bytes(tb testing.TB) []byte {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "rfc4475", c.name+".dat"))
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func (c torture) run(t *testing.T) {
	raw := c.bytes(t)
	n, l := loopback(t)
	requests := 0
	l.OnRequest(func(s *ServerTx) {
		if requests++; requests == 1 && c.check != nil {
			c.check(t, s.Request())
		}
		status := handedUp
		switch s.Request().Method {
		case sip.INVITE, sip.OPTIONS, sip.REGISTER, sip.MESSAGE:
		default:
			status = 501
		}
		if err := s.Respond(NewResponse(s.Request(), status, "Heard", "engine")); err != nil {
			t.Error(err)
		}
	})
	phone, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(n.Listeners()[0].Addr))
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	const probe = "OPTIONS sip:probe@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKprobe\r\n" +
		"From: <sip:p@x>;tag=1\r\nTo: <sip:p@x>\r\nCall-ID: probe\r\nCSeq: 1 OPTIONS\r\n\r\n"
	for _, m := range []string{string(raw), probe} {
		if _, err := phone.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	got := answerBefore(t, phone, "z9hG4bKprobe")
	if got.status != c.want {
		t.Errorf("RFC 4475 §%s %s: answered %d, want %d (%s)\n%s", c.section, c.name, got.status, c.want, c.why, got.text)
	}
	if got.status > 0 && !strings.Contains(strings.ToLower(got.text), "\r\nto: ") && c.name != "insuf" {
		t.Errorf("answer without To:\n%s", got.text)
	}
	if p := l.Stats().Panics + n.Stats().Panics; p > 0 {
		t.Errorf("%d panics", p)
	}
}

// loopback is a layer on a real socket.
func loopback(tb testing.TB) (*sipnet.Net, *Layer) {
	tb.Helper()
	n, err := sipnet.New(sipnet.Config{
		Listen:      []sipnet.ListenConfig{{Transport: sipnet.UDP, Addr: "127.0.0.1:0"}},
		KnownSource: func(netip.Addr) bool { return true },
	})
	if err != nil {
		tb.Fatal(err)
	}
	l := New(n, Config{})
	if err := n.Start(tb.Context(), l.Handle); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Stop(context.Background()); err != nil { // the test's context has ended
			tb.Error(err)
		}
		if err := n.Stop(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return n, l
}

type answer struct {
	status int
	text   string
}

// answerBefore reads responses until that to the probe, and gives the one
// before it.
func answerBefore(t *testing.T, c net.Conn, probe string) (a answer) {
	t.Helper()
	buf := make([]byte, 65536)
	for {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		text := string(buf[:n])
		var status int
		if _, err := fmt.Sscanf(text, "SIP/2.0 %d", &status); err != nil {
			t.Fatalf("not a response:\n%s", text)
		}
		if strings.Contains(text, probe) {
			return a
		}
		a = answer{status, text}
	}
}
