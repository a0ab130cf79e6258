package peers

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

// stillWorks proves that the server places a call after whatever was done to it.
func stillWorks(t *testing.T, srv *harness.Server, peer *sippPeer) {
	t.Helper()
	srv.Call(t, oneLeg("100", "Wait", "0.2")).Ended(t, harness.Want{Disposition: "ANSWERED", Cause: 16})
	peer.Wait()
}

func answering(t *testing.T) *sippPeer {
	return startSIPp(t, 1, []step{invite(), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger})
}

// TestHostileSIP throws what is not SIP at the UDP and TCP listeners.
func TestHostileSIP(t *testing.T) {
	t.Parallel()
	peer := answering(t)
	srv := harness.Start(t, harness.Trunk("peer", peer.Port, ""))
	address := fmt.Sprintf("127.0.0.1:%d", srv.SIP)
	rnd := rand.New(rand.NewPCG(1, 2))
	inputs := [][]byte{
		nil, []byte("\r\n\r\n"), bytes.Repeat([]byte("A"), 60000), []byte("INVITE"),
		[]byte("INVITE sip:x SIP/2.0\r\n\r\n"),
		[]byte("INVITE sip:101@h SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n"),
		[]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nCSeq: 1 INVITE\r\n\r\n"),
		[]byte("REGISTER sip:h SIP/7.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKy\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n"),
		[]byte("INVITE sip:101@h SIP/2.0\r\n" + strings.Repeat("Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKz\r\n", 500) + "\r\n"),
	}
	for range 200 {
		b := make([]byte, rnd.IntN(1400))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		inputs = append(inputs, b)
	}
	udp, err := net.Dial("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	for _, b := range inputs {
		udp.Write(b)
	}
	for _, b := range inputs[:20] {
		tcp, err := net.Dial("tcp4", address)
		if err != nil {
			t.Fatal(err)
		}
		tcp.Write(b)
		tcp.Close()
	}
	stillWorks(t, srv, peer)
}

// TestUnreachableTrunk proves that nobody listening ends as a failure in words.
func TestUnreachableTrunk(t *testing.T) {
	t.Parallel()
	srv := harness.Start(t,
		harness.Trunk("nobody", harness.FreePort(t), "transport = \"tcp\"\n"),
		"[trunks.nowhere]\nhost = \"no-such-host.invalid\"\nprivate = true\n")
	for _, trunk := range []string{"nobody", "nowhere"} {
		r := srv.Call(t, map[string]any{"first": "PJSIP/100@" + trunk, "wait_time": "10s", "application": map[string]any{"name": "Wait", "data": "1"}})
		if d := r.Call["disposition"]; d != "FAILED" && d != "CONGESTION" {
			t.Errorf("%s: disposition %v, want FAILED or CONGESTION; reason %v", trunk, d, r.Call["reason"])
		}
		if reason, _ := r.Call["reason"].(string); reason == "" {
			t.Errorf("%s: no reason in words", trunk)
		}
	}
}

// TestUnknownEndpointIsRefusedAtOnce proves that what can never be dialled is
// not accepted, with a status and a text that says what to do.
func TestUnknownEndpointIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	srv := harness.Start(t, harness.Phone("101", ""))
	for _, first := range []string{"PJSIP/999", "PJSIP/1@nowhere", "DAHDI/1", "zzz", ""} {
		err := srv.API("POST", "/v1/calls", map[string]any{"first": first, "second": "101"}, nil)
		if err == nil || !strings.Contains(err.Error(), ": 4") {
			t.Errorf("first %q: %v, want a 4xx problem", first, err)
		}
	}
}

// TestMalformedSDP proves that an answer without usable audio ends the call
// with cause 58 and leaves the peer hung up.
func TestMalformedSDP(t *testing.T) {
	t.Parallel()
	bad := step(strings.Replace(string(reply(200, "OK", "sendrecv")), "m=audio [media_port] RTP/AVP 0 101", "m=audio 0 RTP/AVP 99", 1))
	peer := startSIPp(t, 1, []step{invite(), bad, recv("ACK"), recv("BYE"), ok(), linger})
	srv := harness.Start(t, harness.Trunk("peer", peer.Port, ""))
	r := srv.Call(t, oneLeg("100", "Wait", "1"))
	if cause := harness.Number(r.Call["cause"]); cause != 58 {
		t.Errorf("cause %d, want 58 (bearer capability not available)", cause)
	}
	peer.Wait()
}

// TestRTPGarbage throws datagrams that are no RTP at the media ports of a call.
func TestRTPGarbage(t *testing.T) {
	t.Parallel()
	peer := startSIPp(t, 1, []step{invite(), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger})
	srv := harness.Start(t, harness.Trunk("peer", peer.Port, ""))
	id := srv.Submit(t, oneLeg("100", "Wait", "1.5"))
	srv.Follow(t, id, func(kind string, _ map[string]any) bool { return kind == "call.connected" })
	port := mediaPort(t, peer.Messages())
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, p := range []int{port, port + 1} {
		c, err := net.Dial("udp4", fmt.Sprintf("127.0.0.1:%d", p))
		if err != nil {
			t.Fatal(err)
		}
		for range 500 {
			b := make([]byte, rnd.IntN(300))
			for i := range b {
				b[i] = byte(rnd.Uint32())
			}
			c.Write(b)
		}
		c.Close()
	}
	srv.AwaitEnd(t, id).Ended(t, harness.Want{Disposition: "ANSWERED", Cause: 16})
	peer.Wait()
}

// mediaPort finds the port that our INVITE offered.
func mediaPort(t *testing.T, messages string) int {
	t.Helper()
	_, rest, _ := strings.Cut(messages, "m=audio ")
	var port int
	if _, err := fmt.Sscan(rest, &port); err != nil {
		t.Fatalf("no m=audio in the INVITE: %v", err)
	}
	return port
}

// TestAbsurdJSON proves that bodies that make no sense are 4xx problems.
func TestAbsurdJSON(t *testing.T) {
	t.Parallel()
	srv := harness.Start(t, harness.Phone("101", ""))
	for name, body := range map[string]string{
		"empty":         "",
		"not json":      "{",
		"null":          "null",
		"array":         "[]",
		"deep":          strings.Repeat("[", 100000),
		"wrong types":   `{"first":7,"second":{}}`,
		"unknown field": `{"first":"101","second":"102","frist":1}`,
		"huge number":   `{"first":"101","second":"102","wait_time":1e300}`,
		"negative":      `{"first":"101","second":"102","wait_time":-5}`,
		"crlf":          `{"first":"101\r\nX: y","second":"102"}`,
	} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://dialwright/v1/calls", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode/100 != 4 || !strings.Contains(resp.Header.Get("Content-Type"), "problem+json") {
			t.Errorf("%s: %s %s, want a 4xx problem: %.200s", name, resp.Status, resp.Header.Get("Content-Type"), text)
		}
	}
}

// TestSlowLorisOnTCP proves that connections that never finish a message do
// not keep others out.
func TestSlowLorisOnTCP(t *testing.T) {
	t.Parallel()
	peer := answering(t)
	srv := harness.Start(t, harness.Trunk("peer", peer.Port, ""))
	for range 200 {
		c, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", srv.SIP), 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write([]byte("INVITE sip:101@h SIP/2.0\r\nVia: "))
	}
	stillWorks(t, srv, peer)
}

// TestTortureMessages sends every message of RFC 4475 to the running server,
// which must answer or drop each as rule N3 says (internal/sip/txn tests which)
// and go on placing calls.
func TestTortureMessages(t *testing.T) {
	t.Parallel()
	peer := answering(t)
	srv := harness.Start(t, harness.Trunk("peer", peer.Port, ""))
	files, err := filepath.Glob("../../internal/sip/txn/testdata/rfc4475/*.dat")
	if err != nil || len(files) != 49 {
		t.Fatalf("%d messages, want 49: %v", len(files), err)
	}
	for _, f := range files {
		message, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("udp4", fmt.Sprintf("127.0.0.1:%d", srv.SIP))
		if err != nil {
			t.Fatal(err)
		}
		c.Write(message)
		// One that must be answered follows on the same flow: what came before
		// has then been read.
		fmt.Fprintf(c, "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-%s\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: alive-%s\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
			c.LocalAddr(), filepath.Base(f), filepath.Base(f))
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		for buf := make([]byte, 65536); ; {
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("%s: the server does not answer any more: %v", filepath.Base(f), err)
			}
			if strings.Contains(string(buf[:n]), "alive-"+filepath.Base(f)) {
				break
			}
		}
		c.Close()
	}
	stillWorks(t, srv, peer)
}
