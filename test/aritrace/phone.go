package aritrace

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/media/codec"
	"github.com/dialwright/dialwright/test/harness"
)

// The users of the laboratory's phone say how it behaves (spec: ari 11).
const (
	copied  = "[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]lab[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n"
	copied0 = "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
	contact = "Contact: <sip:lab@[local_ip]:[local_port]>\n"
	sdp     = "Content-Type: application/sdp\nContent-Length: [len]\n\nv=0\no=lab 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio [media_port] RTP/AVP 0 101\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=%s\n"
	empty   = "Content-Length: 0\n\n"
)

func send(text string, retrans bool) string {
	r := ""
	if retrans {
		r = ` retrans="500"`
	}
	return "<send" + r + "><![CDATA[\n" + text + "]]></send>\n"
}

func answer(status, body string, more ...string) string {
	return send("SIP/2.0 "+status+"\n"+copied+strings.Join(more, "")+contact+body, status[0] > '1')
}

func refuse(status string, more ...string) string {
	return answer(status, empty, more...) + "<recv request=\"ACK\" next=\"done\"/>\n"
}

func pauseMS(n int) string { return fmt.Sprintf("<pause milliseconds=\"%d\"/>\n", n) }

func ownRequest(method, body string, cseq int) string {
	return send(fmt.Sprintf("%s [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nFrom: [$to];tag=[pid]lab[call_number]\nTo: [$from]\n[last_Call-ID:]\nCSeq: %d %s\nMax-Forwards: 70\n%s%s", method, cseq, method, contact, body), method != "ACK")
}

const recvACK = "<recv request=\"ACK\" rrs=\"true\"/>\n"

// behaviours gives the steps of each user; all that answer go on at the label up.
func behaviours(talk, early, digits string) []struct{ user, steps string } {
	ok := answer("200 OK", fmt.Sprintf(sdp, "sendrecv")) + recvACK
	stream := func(file string) string {
		return "<nop><action><exec rtp_stream=\"" + file + ",1,0\"/></action></nop>\n"
	}
	up := "<nop next=\"up\"/>\n"
	cancelled := "<recv request=\"CANCEL\"/>\n" + send("SIP/2.0 200 OK\n"+copied+contact+empty, false) +
		send("SIP/2.0 487 Request Terminated\n"+strings.Replace(copied, "[last_CSeq:]", "CSeq: [$n] INVITE", 1)+contact+empty, true) + "<recv request=\"ACK\" next=\"done\"/>\n"
	return []struct{ user, steps string }{
		{"answer0", ok + up},
		{"answer", answer("180 Ringing", empty) + pauseMS(300) + ok + up},
		{"ringearly", answer("180 Ringing", empty) + pauseMS(500) + answer("183 Session Progress", fmt.Sprintf(sdp, "sendrecv")) + stream(early) + pauseMS(500) + ok + up},
		{"ring", answer("180 Ringing", empty) + cancelled},
		{"silent", "<recv request=\"CANCEL\" timeout=\"60000\" ontimeout=\"done\"/>\n" + send("SIP/2.0 200 OK\n"+copied+contact+empty, false) +
			send("SIP/2.0 487 Request Terminated\n"+strings.Replace(copied, "[last_CSeq:]", "CSeq: [$n] INVITE", 1)+contact+empty, true) + "<recv request=\"ACK\" next=\"done\"/>\n"},
		{"early", answer("183 Session Progress", fmt.Sprintf(sdp, "sendrecv")) + stream(early) + pauseMS(800) + ok + up},
		{"busy", refuse("486 Busy Here")},
		{"decline", refuse("603 Decline")},
		{"unavail", refuse("480 Temporarily Unavailable")},
		{"cong", refuse("503 Service Unavailable")},
		{"forward", refuse("302 Moved Temporarily", "Contact: <sip:forward@[local_ip]:[local_port]>\n")},
		{"bye", answer("180 Ringing", empty) + pauseMS(300) + ok + pauseMS(1200) + ownRequest("BYE", empty, 1) + "<recv response=\"200\" next=\"done\"/>\n"},
		{"hold", ok + pauseMS(800) + ownRequest("INVITE", fmt.Sprintf(sdp, "sendonly"), 1) + "<recv response=\"100\" optional=\"true\"/>\n<recv response=\"200\" rrs=\"true\"/>\n" + ownRequest("ACK", empty, 1) +
			pauseMS(800) + ownRequest("INVITE", fmt.Sprintf(sdp, "sendrecv"), 2) + "<recv response=\"100\" optional=\"true\"/>\n<recv response=\"200\" rrs=\"true\"/>\n" + ownRequest("ACK", empty, 2) + up},
		{"dtmf", ok + "<nop><action><exec command=\"bash " + digits + " [$rtp]\"/></action></nop>\n" + up},
		{"talk", ok + pauseMS(1000) + stream(talk) + up},
	}
}

// scenario writes the phone as SIPp wants it: one scenario that goes by the user of the
// request.
func scenario(talk, early, digits string) string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"laboratory\">\n<recv request=\"INVITE\" rrs=\"true\"><action>\n" +
		"<ereg regexp=\".*\" search_in=\"hdr\" header=\"From:\" assign_to=\"from\"/>\n<ereg regexp=\".*\" search_in=\"hdr\" header=\"To:\" assign_to=\"to\"/>\n" +
		"<ereg regexp=\"[0-9]+\" search_in=\"hdr\" header=\"CSeq:\" assign_to=\"n\"/>\n" +
		"<ereg regexp=\"m=audio ([0-9]+)\" search_in=\"body\" assign_to=\"audio,rtp\"/>\n")
	list := behaviours(talk, early, digits)
	for _, u := range list {
		fmt.Fprintf(&b, "<ereg regexp=\"sip:%s@\" search_in=\"hdr\" header=\"To:\" assign_to=\"u_%s\"/>\n", u.user, u.user)
	}
	b.WriteString("</action></recv>\n<nop next=\"begin\" test=\"audio\"/>\n<label id=\"begin\"/>\n")
	for _, u := range list {
		fmt.Fprintf(&b, "<nop next=\"l_%s\" test=\"u_%s\"/>\n", u.user, u.user)
	}
	b.WriteString(refuse("404 Not Found"))
	for _, u := range list {
		fmt.Fprintf(&b, "<label id=\"l_%s\"/>\n%s", u.user, u.steps)
	}
	b.WriteString("<label id=\"up\"/>\n<recv request=\"INVITE\" optional=\"true\" next=\"again\"/>\n<recv request=\"UPDATE\" optional=\"true\" next=\"fine\"/>\n" +
		"<recv request=\"INFO\" optional=\"true\" next=\"fine\"/>\n<recv request=\"REFER\" optional=\"true\" next=\"refer\"/>\n<recv request=\"BYE\"/>\n" +
		send("SIP/2.0 200 OK\n"+copied0+contact+empty, false) + "<nop next=\"done\"/>\n" +
		"<label id=\"again\"/>\n" + send("SIP/2.0 200 OK\n"+copied0+contact+fmt.Sprintf(sdp, "sendrecv"), true) + "<recv request=\"ACK\" next=\"up\"/>\n" +
		"<label id=\"fine\"/>\n" + send("SIP/2.0 200 OK\n"+copied0+contact+empty, false) + "<nop next=\"up\"/>\n" +
		"<label id=\"refer\"/>\n" + send("SIP/2.0 202 Accepted\n"+copied0+contact+empty, false) + "<nop next=\"up\"/>\n" +
		"<label id=\"done\"/>\n<timewait milliseconds=\"2000\"/>\n</scenario>\n")
	return b.String()
}

// StartPhone runs SIPp as the laboratory's phone on a port of 127.0.0.1 until the end of
// the test.
func StartPhone(t testing.TB, port int) *harness.SIPp {
	t.Helper()
	dir := t.TempDir()
	talk, early, digits := filepath.Join(dir, "talk.ulaw"), filepath.Join(dir, "early.ulaw"), filepath.Join(dir, "digits.sh")
	writeDigits(t, digits, "12#")
	writeTones(t, talk, 300, 2000, 6000)
	writeTones(t, early, 0, 10000, 0)
	return harness.StartSIPp(t, port, 1000000, scenario(talk, early, digits), "-timeout", "1000")
}

// writeTones writes raw mu-law: silence, a tone of 500 Hz, silence, in milliseconds.
func writeTones(t testing.TB, name string, before, tone, after int) {
	t.Helper()
	pcm := make([]int16, 8*(before+tone+after))
	for i := range pcm[8*before : 8*(before+tone)] {
		pcm[8*before+i] = int16(10000 * math.Sin(2*math.Pi*500*float64(i)/8000))
	}
	ulaw, _ := codec.Lookup("PCMU")
	if err := os.WriteFile(name, ulaw.NewEncoder().Encode(nil, pcm), 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeDigits writes a script that sends digits as telephone-events (RFC 4733) to a port
// of 127.0.0.1, one second after it began: SIPp's own way needs raw sockets. Each is
// pressed for 160 ms, with as much between them.
func writeDigits(t testing.TB, name, digits string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("exec 3>/dev/udp/127.0.0.1/$1\nsleep 1\n")
	seq, stamp := uint16(1), uint32(8000)
	packet := func(event, volume byte, duration uint16, marker byte) {
		p := []byte{0x80, 101 | marker}
		p = binary.BigEndian.AppendUint16(p, seq)
		p = binary.BigEndian.AppendUint32(p, stamp)
		p = append(p, 0x12, 0x34, 0x56, 0x78, event, volume)
		p = binary.BigEndian.AppendUint16(p, duration)
		b.WriteString("printf '")
		for _, x := range p {
			fmt.Fprintf(&b, "\\x%02x", x)
		}
		b.WriteString("' >&3\n")
		seq++
	}
	for _, d := range digits {
		event := byte(strings.IndexRune("0123456789*#", d))
		for i := range uint16(8) {
			marker := byte(0)
			if i == 0 {
				marker = 0x80
			}
			packet(event, 10, 160*(i+1), marker)
			b.WriteString("sleep 0.02\n")
		}
		for range 3 {
			packet(event, 0x80|10, 1280, 0)
		}
		b.WriteString("sleep 0.16\n")
		stamp += 2560
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeWAV writes 16-bit mono of 8 kHz with a tone.
func writeWAV(t testing.TB, name string, ms int) {
	t.Helper()
	n := 8 * ms
	b := make([]byte, 44, 44+2*n)
	copy(b, "RIFF")
	binary.LittleEndian.PutUint32(b[4:], uint32(36+2*n))
	copy(b[8:], "WAVEfmt ")
	binary.LittleEndian.PutUint32(b[16:], 16)
	binary.LittleEndian.PutUint16(b[20:], 1)
	binary.LittleEndian.PutUint16(b[22:], 1)
	binary.LittleEndian.PutUint32(b[24:], 8000)
	binary.LittleEndian.PutUint32(b[28:], 16000)
	binary.LittleEndian.PutUint16(b[32:], 2)
	binary.LittleEndian.PutUint16(b[34:], 16)
	copy(b[36:], "data")
	binary.LittleEndian.PutUint32(b[40:], uint32(2*n))
	for i := range n {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(8000*math.Sin(2*math.Pi*440*float64(i)/8000))))
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
