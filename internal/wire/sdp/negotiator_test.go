package sdp

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// counting gives keys and session ids that tests can foresee.
type counting struct{ n byte }

func (c *counting) Read(b []byte) (int, error) {
	for i := range b {
		c.n++
		b[i] = c.n
	}
	return len(b), nil
}

// local is our side: 198.51.100.1:30000, PCMU, PCMA and digits.
func local(change func(*Local)) Local {
	l := Local{
		Addr: netip.MustParseAddr("198.51.100.1"), Port: 30000,
		Codecs: []string{"PCMU", "PCMA", "telephone-event"}, Rand: &counting{},
	}
	if change != nil {
		change(&l)
	}
	return l
}

// describe makes a peer's description: 192.0.2.1 and the given m= and a= lines.
func describe(lines ...string) []byte {
	return []byte("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" + strings.Join(lines, "\r\n") + "\r\n")
}

func reason(t *testing.T, err error) Reason {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("not an *Error: %v", err)
	}
	return e.Reason
}

func mustAnswer(t *testing.T, n *Negotiator, offer []byte) (*Session, Agreed) {
	t.Helper()
	body, a, err := n.Answer(offer)
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, body), a
}

func mustOffer(t *testing.T, n *Negotiator) *Session {
	t.Helper()
	body, err := n.Offer()
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, body)
}

func mustSet(t *testing.T, n *Negotiator, answer []byte) Agreed {
	t.Helper()
	a, err := n.SetAnswer(answer)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustParse(t *testing.T, body []byte) *Session {
	t.Helper()
	s, err := Parse(body)
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return s
}

// line gives "type port proto formats" of each section.
func line(s *Session) string {
	var out []string
	for i := range s.Media {
		m := &s.Media[i]
		out = append(out, fmt.Sprintf("%s %d %s %s", m.Type, m.Port, m.Proto, strings.Join(m.Tokens, " ")))
	}
	return strings.Join(out, "; ")
}

func TestOfferAndAnswerText(t *testing.T) {
	n := NewNegotiator(local(nil))
	offer, err := n.Offer()
	if err != nil {
		t.Fatal(err)
	}
	want := "v=0\r\no=- 8454659 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n" +
		"m=audio 30000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n" +
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
	if d := cmp.Diff(strings.Split(want, "\r\n")[2:], strings.Split(string(offer), "\r\n")[2:]); d != "" {
		t.Errorf("offer (-want +got):\n%s", d)
	}
	peer := NewNegotiator(local(func(l *Local) { l.Addr, l.Codecs = netip.MustParseAddr("2001:db8::5"), []string{"PCMA"} }))
	answer, _, err := peer.Answer(offer)
	if err != nil {
		t.Fatal(err)
	}
	want = "v=0\r\n\r\ns=-\r\nc=IN IP6 2001:db8::5\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n"
	if d := cmp.Diff(strings.Split(want, "\r\n")[2:], strings.Split(string(answer), "\r\n")[2:]); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
	a := mustSet(t, n, answer)
	wantAgreed := Agreed{
		Codec: "PCMA", ClockRate: 8000, Channels: 1, SendPT: 8, RecvPT: 8, PTime: 20,
		RemoteAddr: netip.MustParseAddrPort("[2001:db8::5]:30000"), RemoteRTCP: netip.MustParseAddrPort("[2001:db8::5]:30001"),
		Codecs: []AgreedCodec{{"PCMA", 8000, 1, 8, 8, ""}},
	}
	if d := cmp.Diff(wantAgreed, a, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); d != "" {
		t.Errorf("agreed (-want +got):\n%s", d)
	}
}

func TestS2_CodecsMatchByNameRateChannels(t *testing.T) {
	for _, tt := range []struct {
		name   string
		codecs []string
		lines  []string
		want   string // codec sendPT/recvPT events sendPT/recvPT@rate
	}{
		{"lower case", []string{"PCMU"}, []string{"m=audio 4000 RTP/AVP 0", "a=rtpmap:0 pcmu/8000"}, "PCMU 0/0 0/0@0"},
		{"static without rtpmap", []string{"G722"}, []string{"m=audio 4000 RTP/AVP 9"}, "G722 9/9 0/0@0"},
		{"static codec under a dynamic number", []string{"PCMA"}, []string{"m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMA/8000"}, "PCMA 96/96 0/0@0"},
		{"static number with another meaning", []string{"PCMA", "PCMU"}, []string{"m=audio 4000 RTP/AVP 8", "a=rtpmap:8 PCMU/8000"}, "PCMU 8/8 0/0@0"},
		{"rate differs", []string{"L16/16000", "PCMU"}, []string{"m=audio 4000 RTP/AVP 96 0", "a=rtpmap:96 L16/8000"}, "PCMU 0/0 0/0@0"},
		{"channels differ", []string{"opus", "PCMU"}, []string{"m=audio 4000 RTP/AVP 96 0", "a=rtpmap:96 opus/48000"}, "PCMU 0/0 0/0@0"},
		{"events on 96", []string{"PCMU", "telephone-event"}, []string{"m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"}, "PCMU 0/0 96/96@8000"},
		{"events on 100", []string{"PCMU", "telephone-event"}, []string{"m=audio 4000 RTP/AVP 0 100", "a=rtpmap:100 telephone-event/8000"}, "PCMU 0/0 100/100@8000"},
		{"events on 126", []string{"PCMU", "telephone-event"}, []string{"m=audio 4000 RTP/AVP 0 126", "a=rtpmap:126 telephone-event/8000"}, "PCMU 0/0 126/126@8000"},
		{"events by the clock of opus", []string{"opus", "telephone-event"}, []string{"m=audio 4000 RTP/AVP 111 110 126", "a=rtpmap:111 opus/48000/2", "a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000"}, "opus 111/111 110/110@48000"},
		{"events by the clock of PCMU", []string{"PCMU", "opus", "telephone-event"}, []string{"m=audio 4000 RTP/AVP 0 111 110 126", "a=rtpmap:111 opus/48000/2", "a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000"}, "PCMU 0/0 126/126@8000"},
		{"events with another clock at least", []string{"opus", "telephone-event"}, []string{"m=audio 4000 RTP/AVP 111 126", "a=rtpmap:111 opus/48000/2", "a=rtpmap:126 telephone-event/8000"}, "opus 111/111 126/126@8000"},
		{"no events wanted", []string{"PCMU"}, []string{"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"}, "PCMU 0/0 0/0@0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := NewNegotiator(local(func(l *Local) { l.Codecs = tt.codecs }))
			_, a := mustAnswer(t, n, describe(tt.lines...))
			got := fmt.Sprintf("%s %d/%d %d/%d@%d", a.Codec, a.SendPT, a.RecvPT, a.EventSendPT, a.EventRecvPT, a.EventRate)
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestS2_NumbersArePerDirection(t *testing.T) {
	n := NewNegotiator(local(func(l *Local) { l.Codecs = []string{"opus", "PCMU", "telephone-event"} }))
	if got := line(mustOffer(t, n)); got != "audio 30000 RTP/AVP 107 0 101 103" {
		t.Fatal(got)
	}
	a := mustSet(t, n, describe("m=audio 4000 RTP/AVP 96 97", "a=rtpmap:96 opus/48000/2", "a=fmtp:96 useinbandfec=1", "a=rtpmap:97 telephone-event/48000"))
	if a.SendPT != 96 || a.RecvPT != 107 || a.EventSendPT != 97 || a.EventRecvPT != 103 || a.EventRate != 48000 || a.FMTP != "useinbandfec=1" || a.Channels != 2 {
		t.Errorf("%+v", a)
	}
	// A re-offer of the peer that swaps its numbers does not swap ours.
	s, a := mustAnswer(t, n, describe("m=audio 4000 RTP/AVP 98 99", "a=rtpmap:98 opus/48000/2", "a=rtpmap:99 telephone-event/48000"))
	if got := line(s); got != "audio 30000 RTP/AVP 107 103" || a.SendPT != 98 || a.RecvPT != 107 {
		t.Errorf("%s %+v", got, a)
	}
}

func TestS2_NumberTakenByAnotherCodec(t *testing.T) {
	n := NewNegotiator(local(func(l *Local) { l.Codecs = []string{"PCMU", "opus", "telephone-event"} }))
	mustAnswer(t, n, describe("m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"))
	n.SetCodecs([]string{"opus"})
	s, a := mustAnswer(t, n, describe("m=audio 4000 RTP/AVP 101", "a=rtpmap:101 opus/48000/2"))
	if got := line(s); got != "audio 30000 RTP/AVP 96" || a.SendPT != 101 || a.RecvPT != 96 {
		t.Errorf("%s %+v", got, a)
	}
}

func TestS2_AnswerWithoutRTPMap(t *testing.T) {
	n := NewNegotiator(local(func(l *Local) { l.Codecs = []string{"opus", "telephone-event"} }))
	mustOffer(t, n)
	a := mustSet(t, n, describe("m=audio 4000 RTP/AVP 107 103"))
	if a.Codec != "opus" || a.SendPT != 107 || a.EventSendPT != 103 {
		t.Errorf("%+v", a)
	}
}

func TestS3_AnswerKeepsEverySection(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		lines      []string
	}{
		{"video beside", "audio 30000 RTP/AVP 0; video 0 RTP/AVP 99 34", []string{"m=audio 4000 RTP/AVP 0", "m=video 5000 RTP/AVP 99 34", "a=rtpmap:99 H264/90000"}},
		{"fax first", "image 0 udptl t38; audio 30000 RTP/AVP 8", []string{"m=image 4002 udptl t38", "m=audio 4000 RTP/AVP 8"}},
		{"first usable audio", "audio 0 RTP/SAVP 0; audio 0 RTP/AVP 18; audio 0 RTP/AVP 0; audio 30000 RTP/AVP 0; audio 0 RTP/AVP 0",
			[]string{"m=audio 4000 RTP/SAVP 0", "m=audio 4002 RTP/AVP 18", "m=audio 0 RTP/AVP 0", "m=audio 4004 RTP/AVP 0", "m=audio 4006 RTP/AVP 0"}},
		{"already refused video", "audio 30000 RTP/AVP 0; video 0 RTP/AVP 31", []string{"m=audio 4000 RTP/AVP 0", "m=video 0 RTP/AVP 31"}},
		{"data channel", "audio 30000 RTP/AVP 0; application 0 UDP/DTLS/SCTP webrtc-datachannel", []string{"m=audio 4000 RTP/AVP 0", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := NewNegotiator(local(nil))
			s, _ := mustAnswer(t, n, describe(tt.lines...))
			if got := line(s); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			// RFC 3264 §8: our re-offer has the same sections in the same places.
			if got := mustOffer(t, n); len(got.Media) != len(s.Media) || got.Media[n.audio].Port != 30000 {
				t.Errorf("re-offer: %s", line(got))
			}
		})
	}
}

func TestS3_Refusals(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  Reason
	}{
		{"video only", []string{"m=video 5000 RTP/AVP 31"}, NoAudio},
		{"fax only", []string{"m=audio 0 RTP/AVP 0", "m=image 4002 udptl t38"}, NoAudio},
		{"no common codec", []string{"m=audio 4000 RTP/AVP 18"}, NoCodec},
		{"events only", []string{"m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"}, NoCodec},
		{"multicast", []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 239.1.1.1/4"}, BadAddress},
		{"broadcast", []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 255.255.255.255"}, BadAddress},
		{"DTLS", []string{"m=audio 4000 UDP/TLS/RTP/SAVPF 0"}, NoAudio},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := NewNegotiator(local(nil))
			_, _, err := n.Answer(describe(tt.lines...))
			if got := reason(t, err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if e, ok := errors.AsType[*Error](err); ok && e.Status != 488 {
				t.Errorf("status %d", e.Status)
			}
			if _, ok := n.Agreed(); ok {
				t.Error("agreed all the same")
			}
		})
	}
	n := NewNegotiator(local(nil))
	if _, _, err := n.Answer([]byte("v=0\nc=IN\nm=audio 4000 RTP/AVP 0\n")); reason(t, err) != BadAddress {
		t.Errorf("c=IN alone: %v", err)
	}
}

func TestS4_Directions(t *testing.T) {
	for _, tt := range []struct {
		want   Direction // what we want
		theirs string
		answer Direction
		hold   bool
	}{
		{SendRecv, "sendrecv", SendRecv, false},
		{SendRecv, "sendonly", RecvOnly, true},
		{SendRecv, "recvonly", SendOnly, false},
		{SendRecv, "inactive", Inactive, true},
		{SendOnly, "sendrecv", SendOnly, false},
		{SendOnly, "sendonly", Inactive, true},
		{SendOnly, "recvonly", SendOnly, false},
		{RecvOnly, "sendrecv", RecvOnly, false},
		{RecvOnly, "recvonly", Inactive, false},
		{Inactive, "sendrecv", Inactive, false},
	} {
		t.Run(tt.want.String()+" meets "+tt.theirs, func(t *testing.T) {
			n := NewNegotiator(local(nil))
			n.SetHold(tt.want)
			s, a := mustAnswer(t, n, describe("m=audio 4000 RTP/AVP 0", "a="+tt.theirs))
			if s.Media[0].Direction != tt.answer || a.Direction != tt.answer || a.RemoteHold != tt.hold {
				t.Errorf("answer %v, agreed %v, held %v", s.Media[0].Direction, a.Direction, a.RemoteHold)
			}
			// The same pair with our offer and their answer.
			n = NewNegotiator(local(nil))
			n.SetHold(tt.want)
			if s := mustOffer(t, n); s.Media[0].Direction != tt.want {
				t.Errorf("offer says %v", s.Media[0].Direction)
			}
			if a := mustSet(t, n, describe("m=audio 4000 RTP/AVP 0", "a="+tt.theirs)); a.Direction != tt.answer {
				t.Errorf("after our offer: %v", a.Direction)
			}
		})
	}
}

func TestS4_OldHoldAndSessionLevelDirection(t *testing.T) {
	n := NewNegotiator(local(nil))
	_, a := mustAnswer(t, n, []byte("v=0\nc=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 0\n"))
	if !a.RemoteHold || a.Direction != RecvOnly || a.RemoteAddr.Addr().IsValid() {
		t.Errorf("0.0.0.0: %+v", a)
	}
	_, a = mustAnswer(t, n, []byte("v=0\nc=IN IP4 192.0.2.1\na=inactive\nm=audio 4000 RTP/AVP 0\n"))
	if !a.RemoteHold || a.Direction != Inactive {
		t.Errorf("a=inactive of the session: %+v", a)
	}
	_, a = mustAnswer(t, n, describe("m=audio 4000 RTP/AVP 0"))
	if a.RemoteHold || a.Direction != SendRecv || a.RemoteAddr != netip.MustParseAddrPort("192.0.2.1:4000") {
		t.Errorf("resumed: %+v", a)
	}
}

func TestS4_HoldOfBothSides(t *testing.T) {
	n := NewNegotiator(local(nil))
	mustAnswer(t, n, describe("m=audio 4000 RTP/AVP 0", "a=sendonly"))
	n.SetHold(Inactive)
	mustOffer(t, n)
	if a := mustSet(t, n, describe("m=audio 4000 RTP/AVP 0", "a=inactive")); !a.RemoteHold {
		t.Error("the peer's hold was forgotten when we held too")
	}
}

func TestS4_VersionRisesWhenOurDescriptionChanges(t *testing.T) {
	n := NewNegotiator(local(nil))
	version := func(s *Session) uint64 { return s.Origin.Version }
	first := mustOffer(t, n)
	if v := version(first); v != 1 {
		t.Errorf("first offer: %d", v)
	}
	if v := version(mustOffer(t, n)); v != 1 {
		t.Errorf("same offer again: %d", v)
	}
	mustSet(t, n, describe("m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"))
	n.SetHold(SendOnly)
	held := mustOffer(t, n)
	if v := version(held); v != 2 {
		t.Errorf("hold: %d", v)
	}
	if held.Origin.SessID != first.Origin.SessID {
		t.Error("session id changed")
	}
	n.SetHold(SendRecv)
	s, _ := mustAnswer(t, n, describe("m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"))
	if v := version(s); v != 3 {
		t.Errorf("answer: %d", v)
	}
	s, _ = mustAnswer(t, n, describe("m=audio 4444 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"))
	if v := version(s); v != 3 {
		t.Errorf("same answer to another offer: %d", v)
	}
}

func TestS4_PacketTime(t *testing.T) {
	for _, tt := range []struct {
		own   int
		lines []string
		want  int
	}{
		{0, nil, 20}, {30, nil, 30},
		{0, []string{"a=ptime:10"}, 10}, {0, []string{"a=ptime:30"}, 30}, {0, []string{"a=ptime:60"}, 60},
		{0, []string{"a=ptime:5"}, 10}, {0, []string{"a=ptime:120"}, 60}, {0, []string{"a=ptime:25"}, 20},
		{0, []string{"a=ptime:40", "a=maxptime:30"}, 30}, {40, []string{"a=maxptime:20"}, 20},
	} {
		n := NewNegotiator(local(func(l *Local) { l.PTime = tt.own }))
		if _, a := mustAnswer(t, n, describe(append([]string{"m=audio 4000 RTP/AVP 0"}, tt.lines...)...)); a.PTime != tt.want {
			t.Errorf("own %d, peer %v: got %d, want %d", tt.own, tt.lines, a.PTime, tt.want)
		}
	}
}

func TestS5_OrderOfCodecs(t *testing.T) {
	offer := describe("m=audio 4000 RTP/AVP 8 0")
	if _, a := mustAnswer(t, NewNegotiator(local(nil)), offer); a.Codec != "PCMA" || len(a.Codecs) != 2 || a.Codecs[1].Name != "PCMU" {
		t.Errorf("offerer's order: %+v", a.Codecs)
	}
	if _, a := mustAnswer(t, NewNegotiator(local(func(l *Local) { l.PreferOwn = true })), offer); a.Codec != "PCMU" {
		t.Errorf("own order: %+v", a.Codecs)
	}
	n := NewNegotiator(local(func(l *Local) { l.Codecs = []string{"G722", "PCMA", "nonsense", "pcma"} }))
	if got := line(mustOffer(t, n)); got != "audio 30000 RTP/AVP 9 8" {
		t.Errorf("offer: %s", got)
	}
	if _, err := NewNegotiator(local(func(l *Local) { l.Codecs = []string{"telephone-event"} })).Offer(); reason(t, err) != NoCodec {
		t.Errorf("nothing to offer: %v", err)
	}
}

func TestD10_CodecInForceStays(t *testing.T) {
	n := NewNegotiator(local(nil))
	mustOffer(t, n)
	if a := mustSet(t, n, describe("m=audio 4000 RTP/AVP 8")); a.Codec != "PCMA" {
		t.Fatal(a.Codec)
	}
	if got := line(mustOffer(t, n)); got != "audio 30000 RTP/AVP 8 0 101" {
		t.Errorf("re-offer: %s", got)
	}
	if _, a := mustAnswer(t, n, describe("m=audio 4000 RTP/AVP 0 8")); a.Codec != "PCMA" {
		t.Errorf("answer to a re-offer: %s", a.Codec)
	}
	n.SetCodecs([]string{"PCMU", "PCMA"})
	if got := line(mustOffer(t, n)); got != "audio 30000 RTP/AVP 0 8" {
		t.Errorf("after SetCodecs: %s", got)
	}
}

func TestD10_RefusedOfferChangesNothing(t *testing.T) {
	n := NewNegotiator(local(nil))
	_, before := mustAnswer(t, n, describe("m=audio 4000 RTP/AVP 0"))
	for _, bad := range [][]byte{describe("m=audio 4000 RTP/AVP 18"), describe("m=image 4002 udptl t38"), []byte("x"), describe("m=audio 4000 RTP/SAVP 0")} {
		if _, _, err := n.Answer(bad); err == nil {
			t.Fatalf("accepted: %s", bad)
		}
	}
	mustOffer(t, n)
	if _, err := n.SetAnswer(describe("m=audio 0 RTP/AVP 0")); reason(t, err) != NoAudio {
		t.Fatal(err)
	}
	after, ok := n.Agreed()
	if d := cmp.Diff(before, after, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); d != "" || !ok {
		t.Errorf("(-before +after):\n%s", d)
	}
}

func TestD8_NewestAnswerCounts(t *testing.T) {
	n := NewNegotiator(local(nil))
	if _, err := n.SetAnswer(describe("m=audio 4000 RTP/AVP 0")); reason(t, err) != WrongState {
		t.Fatal(err)
	}
	mustOffer(t, n)
	mustSet(t, n, describe("m=audio 4000 RTP/AVP 0"))
	if a := mustSet(t, n, describe("m=audio 5000 RTP/AVP 8")); a.Codec != "PCMA" || a.RemoteAddr.Port() != 5000 {
		t.Errorf("%+v", a)
	}
}

func TestRTCPAddress(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		mux        bool
		lines      []string
	}{
		{"next port", "192.0.2.1:4001", false, nil},
		{"a=rtcp", "192.0.2.1:4007", false, []string{"a=rtcp:4007"}},
		{"a=rtcp with an address", "192.0.2.9:4007", false, []string{"a=rtcp:4007 IN IP4 192.0.2.9"}},
		{"a=rtcp with multicast", "192.0.2.1:4007", false, []string{"a=rtcp:4007 IN IP4 239.0.0.1"}},
		{"multiplexed", "192.0.2.1:4000", true, []string{"a=rtcp-mux", "a=rtcp:4000"}},
	} {
		s, a := mustAnswer(t, NewNegotiator(local(nil)), describe(append([]string{"m=audio 4000 RTP/AVP 0"}, tt.lines...)...))
		if a.RemoteRTCP.String() != tt.want || a.RTCPMux != tt.mux || s.Media[0].RTCPMux != tt.mux {
			t.Errorf("%s: %v mux %v", tt.name, a.RemoteRTCP, a.RTCPMux)
		}
	}
	_, a := mustAnswer(t, NewNegotiator(local(nil)), describe("m=audio 65535 RTP/AVP 0"))
	if a.RemoteRTCP.IsValid() {
		t.Errorf("port 65535: %v", a.RemoteRTCP)
	}
	n := NewNegotiator(local(func(l *Local) { l.RTCPMux = true }))
	if s := mustOffer(t, n); !s.Media[0].RTCPMux {
		t.Error("mux not offered")
	}
	if a := mustSet(t, n, describe("m=audio 4000 RTP/AVP 0")); a.RTCPMux || a.RemoteRTCP.Port() != 4001 {
		t.Errorf("mux not taken: %+v", a)
	}
}

func TestHostNameIsLeftToTheCaller(t *testing.T) {
	_, a := mustAnswer(t, NewNegotiator(local(nil)), []byte("v=0\nc=IN IP4 media.example.com\nm=audio 4000 RTP/AVP 0\n"))
	if a.RemoteHost != "media.example.com" || a.RemoteAddr.Addr().IsValid() || a.RemoteAddr.Port() != 4000 || a.RemoteHold {
		t.Errorf("%+v", a)
	}
}

func TestOpusParametersPassThrough(t *testing.T) {
	n := NewNegotiator(local(func(l *Local) {
		l.Codecs, l.FMTP = []string{"opus"}, map[string]string{"opus": "maxaveragebitrate=20000"}
	}))
	s, a := mustAnswer(t, n, describe("m=audio 4000 RTP/AVP 111", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"))
	if a.FMTP != "minptime=10;useinbandfec=1" || s.Media[0].Formats[0].FMTP != "maxaveragebitrate=20000" {
		t.Errorf("agreed %q, answer %q", a.FMTP, s.Media[0].Formats[0].FMTP)
	}
}

func TestFailingRandomnessIsAnError(t *testing.T) {
	n := NewNegotiator(local(func(l *Local) { l.Rand = bytes.NewReader(nil) }))
	if _, err := n.Offer(); err == nil {
		t.Error("no error")
	}
}
