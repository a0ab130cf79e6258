package peers

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

// TestEachRepeated200GetsItsACK proves rule D2 on the wire. SIPp cannot: it
// takes a second ACK for a repetition of the first and repeats its own 200.
func TestEachRepeated200GetsItsACK(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	const answers = 4
	var acks atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 65536); ; {
			n, from, err := conn.ReadFromUDP(buf)
			if err != nil {
				return
			}
			request := string(buf[:n])
			switch method, _, _ := strings.Cut(request, " "); method {
			case "INVITE":
				for range answers {
					conn.WriteToUDP(answer200(request, conn.LocalAddr().String()), from)
				}
			case "ACK":
				acks.Add(1)
			case "BYE":
				conn.WriteToUDP(answer200(request, ""), from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	srv := harness.Start(t, harness.Trunk("peer", conn.LocalAddr().(*net.UDPAddr).Port, ""))
	srv.Call(t, oneLeg("100", "Wait", "0.5")).Ended(t, harness.Want{Disposition: "ANSWERED", Cause: 16})
	if n := acks.Load(); n != answers {
		t.Errorf("%d ACKs for %d answers", n, answers)
	}
}

// answer200 answers a request; an INVITE gets a session at contact.
func answer200(request, contact string) []byte {
	var b strings.Builder
	b.WriteString("SIP/2.0 200 OK\r\n")
	for line := range strings.SplitSeq(request, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "Via", "From", "Call-ID", "CSeq":
			b.WriteString(line + "\r\n")
		case "To":
			if contact != "" {
				line += ";tag=repeat"
			}
			b.WriteString(line + "\r\n")
		}
	}
	body := ""
	if contact != "" {
		body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
		fmt.Fprintf(&b, "Contact: <sip:peer@%s>\r\nContent-Type: application/sdp\r\n", contact)
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return []byte(b.String())
}
