package sdp

import (
	"net/netip"
	"strings"
	"testing"
)

const theirPrint = "sha-256 0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9:0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9"

// browserLocal is our side of a browser's stream, with a restart that can be told.
func browserLocal() Local {
	return local(func(l *Local) {
		l.Browser = &Browser{
			Ufrag: "ours", Pwd: "ourPasswordOfTwentyTwo", Fingerprint: "sha-256 AA:BB",
			Candidates: []netip.AddrPort{netip.MustParseAddrPort("198.51.100.1:30000"), netip.MustParseAddrPort("10.0.0.1:30000")},
			Renew:      func() (string, string) { return "next", "nextPasswordOfTwentyTwo" },
		}
	})
}

// browserLines are those of a browser's audio stream, as Chromium 146 writes them; change replaces
// pairs of old and new.
func browserLines(change ...string) []byte {
	text := strings.Join([]string{
		"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0",
		"a=ice-ufrag:FjYt", "a=ice-pwd:1tnIrVbM6iLbbHxbKYmjAYDp", "a=ice-options:trickle", "a=fingerprint:" + theirPrint,
		"a=setup:actpass", "a=mid:0", "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level", "a=sendrecv", "a=msid:s t",
		"a=rtcp-mux", "a=rtcp-rsize", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1",
		"a=rtpmap:63 red/48000/2", "a=rtpmap:9 G722/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:13 CN/8000",
		"a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000", "a=ssrc:1 cname:x",
		"a=candidate:1 1 udp 2113937151 4d1f.local 50000 typ host generation 0",
	}, "\r\n")
	return []byte("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" + strings.NewReplacer(change...).Replace(text) + "\r\n")
}

func TestBrowserAnswer(t *testing.T) {
	n := NewNegotiator(browserLocal())
	if !OffersBrowser(browserLines()) || OffersBrowser(describe("m=audio 9 RTP/AVP 0")) || OffersBrowser(nil) {
		t.Error("browsers are not told from phones")
	}
	body, a, err := n.Answer(browserLines())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"a=group:BUNDLE 0", "a=ice-lite", "m=audio 30000 UDP/TLS/RTP/SAVPF 0 126", "a=mid:0", "a=ice-ufrag:ours", "a=ice-pwd:ourPasswordOfTwentyTwo",
		"a=fingerprint:sha-256 AA:BB", "a=setup:passive", "a=rtcp-mux", "a=end-of-candidates",
		"a=candidate:1 1 udp 2130706431 198.51.100.1 30000 typ host", "a=candidate:2 1 udp 2130706175 10.0.0.1 30000 typ host",
	} {
		if !strings.Contains(string(body), line+"\r\n") {
			t.Errorf("the answer lacks %q:\n%s", line, body)
		}
	}
	if strings.Contains(string(body), "crypto") || a.SRTP != nil {
		t.Error("keys in the description")
	}
	want := BrowserPeer{Ufrag: "FjYt", Pwd: "1tnIrVbM6iLbbHxbKYmjAYDp", Fingerprints: []string{theirPrint}, Mid: "0"}
	if a.Browser == nil || a.Browser.Ufrag != want.Ufrag || a.Browser.Pwd != want.Pwd || a.Browser.Fingerprints[0] != theirPrint || a.Browser.Client {
		t.Errorf("agreed %+v, want %+v", a.Browser, want)
	}
	if a.RemoteHold || !a.RTCPMux || a.Direction != SendRecv || a.EventSendPT != 126 {
		t.Errorf("agreed %+v; c=0.0.0.0 is no hold here", a)
	}
}

func TestBrowserOffer(t *testing.T) {
	n := NewNegotiator(browserLocal())
	body, err := n.Offer()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), "a=setup:actpass\r\n") || !strings.Contains(string(body), "a=mid:0\r\n") {
		t.Errorf("%s", body)
	}
	a, err := n.SetAnswer(browserLines("a=setup:actpass", "a=setup:active"))
	if err != nil {
		t.Fatal(err)
	}
	if a.Browser.Client || a.SRTP != nil {
		t.Errorf("%+v", a)
	}
	n = NewNegotiator(browserLocal())
	if _, err := n.Offer(); err != nil {
		t.Fatal(err)
	}
	if a, err := n.SetAnswer(browserLines("a=setup:actpass", "a=setup:passive")); err != nil || !a.Browser.Client {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := n.SetAnswer(browserLines()); reason(t, err) != BadTransport {
		t.Errorf("actpass in an answer: %v", err)
	}
	if _, err := n.SetAnswer(describe("m=audio 4000 RTP/AVP 0")); reason(t, err) != BadTransport {
		t.Errorf("a plain answer: %v", err)
	}
}

// TestBrowserAgain: a re-offer goes on with the transport; only ICE may be restarted.
func TestBrowserAgain(t *testing.T) {
	n := NewNegotiator(browserLocal())
	if _, _, err := n.Answer(browserLines()); err != nil {
		t.Fatal(err)
	}
	body, a, err := n.Answer(browserLines("a=sendrecv", "a=sendonly"))
	if err != nil || !a.RemoteHold || !strings.Contains(string(body), "a=ice-ufrag:ours\r\n") || !strings.Contains(string(body), "a=recvonly\r\n") {
		t.Errorf("hold: %+v %v\n%s", a, err, body)
	}
	n.SetHold(SendOnly)
	if body, err = n.Offer(); err != nil || !strings.Contains(string(body), "a=sendonly\r\n") || !strings.Contains(string(body), "a=ice-ufrag:ours\r\n") {
		t.Errorf("our hold: %v\n%s", err, body)
	}
	for name, change := range map[string][]string{
		"another certificate": {theirPrint, strings.Replace(theirPrint, "0A", "0B", 1)},
		"another role":        {"a=setup:actpass", "a=setup:passive"},
	} {
		if _, _, err := n.Answer(browserLines(change...)); reason(t, err) != BadTransport {
			t.Errorf("%s: %v", name, err)
		}
	}
	body, a, err = n.Answer(browserLines("FjYt", "Re42"))
	if err != nil || a.Browser.Ufrag != "Re42" || !strings.Contains(string(body), "a=ice-ufrag:next\r\n") {
		t.Errorf("restart: %+v %v\n%s", a.Browser, err, body)
	}
	if body, err = n.Offer(); err != nil || !strings.Contains(string(body), "a=ice-ufrag:next\r\n") {
		t.Errorf("after the restart: %v\n%s", err, body)
	}
}

func TestBrowserRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change []string
		want   Reason
	}{
		"no mux":              {[]string{"a=rtcp-mux", "a=x"}, BadTransport},
		"no user fragment":    {[]string{"a=ice-ufrag", "a=x"}, BadTransport},
		"short password":      {[]string{"1tnIrVbM6iLbbHxbKYmjAYDp", "short"}, BadTransport},
		"a space in it":       {[]string{"FjYt", "Fj Yt"}, BadTransport},
		"no fingerprint":      {[]string{"a=fingerprint", "a=x"}, BadTransport},
		"SHA-1":               {[]string{"sha-256 ", "sha-1 "}, BadTransport},
		"a short fingerprint": {[]string{theirPrint, "sha-256 0A:1B"}, BadTransport},
		"no hex":              {[]string{"0A:1B", "0G:1B"}, BadTransport},
		"holdconn":            {[]string{"a=setup:actpass", "a=setup:holdconn"}, BadTransport},
		"no setup":            {[]string{"a=setup:actpass", "a=x"}, BadTransport},
		"no codec":            {[]string{" 111 63 9 0 8 13 110 126", " 111 63"}, NoCodec},
		"data over SCTP":      {[]string{"audio 9 UDP/TLS/RTP/SAVPF", "audio 9 UDP/DTLS/SCTP"}, NoAudio},
		"plain":               {[]string{"UDP/TLS/RTP/SAVPF", "RTP/AVP"}, NoAudio},
	} {
		n := NewNegotiator(browserLocal())
		if _, _, err := n.Answer(browserLines(c.change...)); reason(t, err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	n := NewNegotiator(local(nil))
	if _, _, err := n.Answer(browserLines()); reason(t, err) != NoAudio {
		t.Errorf("a browser's offer without its transport: %v", err)
	}
}

// TestBrowserVideo: the video of a browser is refused and keeps its name.
func TestBrowserVideo(t *testing.T) {
	n := NewNegotiator(browserLocal())
	offer := append(browserLines("BUNDLE 0", "BUNDLE 0 1"), "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"...)
	body, _, err := n.Answer(offer)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n") || !strings.Contains(string(body), "a=mid:1\r\n") || !strings.Contains(string(body), "a=group:BUNDLE 0\r\n") {
		t.Errorf("%s", body)
	}
}

func FuzzBrowser(f *testing.F) {
	f.Add(browserLines())
	f.Add(browserLines("a=setup:actpass", "a=setup:active"))
	f.Add(browserLines("FjYt", "Re42", "a=sendrecv", "a=inactive"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := NewNegotiator(browserLocal())
		if body, a, err := n.Answer(b); err == nil {
			if a.Browser == nil || len(a.Browser.Fingerprints) == 0 || a.SRTP != nil {
				t.Errorf("agreed without a certificate: %+v", a)
			}
			if _, err := Parse(body); err != nil {
				t.Error(err)
			}
		}
		if _, err := n.Offer(); err != nil {
			t.Fatal(err)
		}
		if a, err := n.SetAnswer(b); err == nil && (a.Browser == nil || len(a.Browser.Fingerprints) == 0) {
			t.Errorf("an answer without a certificate: %+v", a)
		}
	})
}
