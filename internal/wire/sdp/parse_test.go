package sdp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plain is a description as a good phone sends it.
const plain = "v=0\r\no=alice 2890844526 2890844527 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" +
	"m=audio 49170 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"

// odd are descriptions that real devices send and strict parsers refuse, with
// where they want their audio. They are also the seeds of the fuzz targets.
var odd = []struct {
	name, text string
	host       string
	port       int
	codecs     string // names of the first audio section
}{
	{"as the book says", plain, "192.0.2.1", 49170, "PCMU PCMA telephone-event"},
	{"bare LF", strings.ReplaceAll(plain, "\r\n", "\n"), "192.0.2.1", 49170, "PCMU PCMA telephone-event"},
	{"no last line end", strings.TrimRight(plain, "\r\n"), "192.0.2.1", 49170, "PCMU PCMA telephone-event"},
	{"blank lines", "\r\n" + strings.ReplaceAll(plain, "\r\n", "\r\n\r\n") + "\r\n", "192.0.2.1", 49170, "PCMU PCMA telephone-event"},
	{"session lines in any order", "t=0 0\nc=IN IP4 192.0.2.7\ns=x\nv=0\no=- 1 1 IN IP4 192.0.2.7\nm=audio 4000 RTP/AVP 0\n", "192.0.2.7", 4000, "PCMU"},
	{"no s= and t=", "v=0\no=- 1 1 IN IP4 192.0.2.7\nc=IN IP4 192.0.2.7\nm=audio 4000 RTP/AVP 8\n", "192.0.2.7", 4000, "PCMA"},
	{"nothing but c= and m=", "c=IN IP4 192.0.2.7\nm=audio 4000 RTP/AVP 8\n", "192.0.2.7", 4000, "PCMA"},
	{"words and overflow in o=", "v=0\no=pbx abc 99999999999999999999999 IN IP4 192.0.2.7\ns=-\nc=IN IP4 192.0.2.7\nt=0 0\nm=audio 4000 RTP/AVP 0\n", "192.0.2.7", 4000, "PCMU"},
	{"short o=", "v=0\no=pbx\ns=-\nc=IN IP4 192.0.2.7\nt=0 0\nm=audio 4000 RTP/AVP 0\n", "192.0.2.7", 4000, "PCMU"},
	{"unknown lines", "v=0\nx=what\n?\n=\nk=prompt\no=- 1 1 IN IP4 192.0.2.7\nc=IN IP4 192.0.2.7\nm=audio 4000 RTP/AVP 0\ny=0\n", "192.0.2.7", 4000, "PCMU"},
	{"c= of the media only", "v=0\no=- 1 1 IN IP4 192.0.2.7\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 0\nc=IN IP4 192.0.2.8\n", "192.0.2.8", 4000, "PCMU"},
	{"c= of the media wins", "v=0\nc=IN IP4 192.0.2.7\nm=audio 4000 RTP/AVP 0\nc=IN IP4 192.0.2.8\n", "192.0.2.8", 4000, "PCMU"},
	{"empty c= of the media", "v=0\nc=IN IP4 192.0.2.7\nm=audio 4000 RTP/AVP 0\nc=IN\n", "192.0.2.7", 4000, "PCMU"},
	{"c= without IP4", "v=0\nc=IN 192.0.2.7\nm=audio 4000 RTP/AVP 0\n", "192.0.2.7", 4000, "PCMU"},
	{"c= with a TTL", "v=0\nc=IN IP4 192.0.2.7/127\nm=audio 4000 RTP/AVP 0\n", "192.0.2.7", 4000, "PCMU"},
	{"IPv6", "v=0\nc=IN IP6 2001:db8::1\nm=audio 4000 RTP/AVP 0\n", "2001:db8::1", 4000, "PCMU"},
	{"IPv6 in brackets", "v=0\nc=IN IP6 [2001:DB8::1]\nm=audio 4000 RTP/AVP 0\n", "2001:db8::1", 4000, "PCMU"},
	{"host name", "v=0\nc=IN IP4 media.example.com\nm=audio 4000 RTP/AVP 0\n", "media.example.com", 4000, "PCMU"},
	{"port and count", "v=0\nc=IN IP4 192.0.2.7\nm=audio 4000/2 RTP/AVP 0\n", "192.0.2.7", 4000, "PCMU"},
	{"duplicate rtpmap", "v=0\nc=IN IP4 192.0.2.7\nm=audio 4000 RTP/AVP 0 96\na=rtpmap:96 telephone-event/8000\na=rtpmap:96 speex/8000\n", "192.0.2.7", 4000, "PCMU telephone-event"},
	{"duplicate format", "v=0\nc=IN IP4 192.0.2.7\nm=audio 4000 RTP/AVP 0 0 8\n", "192.0.2.7", 4000, "PCMU PCMA"},
	{"spaces at line ends", "v=0 \nc=IN IP4 192.0.2.7 \nm=audio 4000 RTP/AVP 0 8 \na=sendrecv \n", "192.0.2.7", 4000, "PCMU PCMA"},
	{"rtpmap with spaces, channels and no rate", "v=0\nc=IN IP4 192.0.2.7\nm=audio 4000 RTP/AVP 0 96 97\na=rtpmap: 0  PCMU/8000/1\na=rtpmap:96 foo\na=rtpmap:97 opus/48000/2\n", "192.0.2.7", 4000, "PCMU foo opus"},
	{"lower case", "v=0\nc=in ip4 192.0.2.7\nm=AUDIO 4000 rtp/avp 0\na=rtpmap:0 pcmu/8000\n", "192.0.2.7", 4000, "pcmu"},
	{"static numbers", "v=0\nc=IN IP4 192.0.2.7\nm=audio 4000 RTP/AVP 0 3 8 9 18\n", "192.0.2.7", 4000, "PCMU GSM PCMA G722 G729"},
	{"old hold", "v=0\nc=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 0\n", "0.0.0.0", 4000, "PCMU"},
	{"video first", "v=0\nc=IN IP4 192.0.2.7\nm=video 5000 RTP/AVP 96\na=rtpmap:96 H264/90000\nm=audio 4000 RTP/AVP 0\n", "192.0.2.7", 4000, "PCMU"},
	{"fax beside", "v=0\nc=IN IP4 192.0.2.7\nm=audio 4000 RTP/AVP 0\nm=image 4002 udptl t38\na=T38FaxVersion:0\n", "192.0.2.7", 4000, "PCMU"},
	{"crypto with lifetime and MKI", "v=0\nc=IN IP4 192.0.2.7\nm=audio 4000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 WSH=128\n", "192.0.2.7", 4000, "PCMU"},
	{"browser", "v=0\no=- 4611731400430051336 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0\na=msid-semantic: WMS\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\nc=IN IP4 0.0.0.0\na=ice-ufrag:4ZcD\na=fingerprint:sha-256 00\na=rtcp-mux\na=rtpmap:111 opus/48000/2\na=fmtp:111 minptime=10;useinbandfec=1\n", "0.0.0.0", 9, "opus PCMU"},
}

func firstAudio(t *testing.T, s *Session) *Media {
	t.Helper()
	for i := range s.Media {
		if s.Media[i].Type == "audio" {
			return &s.Media[i]
		}
	}
	t.Fatal("no audio section")
	return nil
}

func TestS1_ParseIsLenient(t *testing.T) {
	for _, tt := range odd {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			m := firstAudio(t, s)
			var got []string
			for _, f := range m.Formats {
				got = append(got, f.Name)
			}
			if s.Host(m) != tt.host || m.Port != tt.port || strings.Join(got, " ") != tt.codecs {
				t.Errorf("got %s:%d %v, want %s:%d %s", s.Host(m), m.Port, got, tt.host, tt.port, tt.codecs)
			}
		})
	}
}

func TestS1_ParseRefusesOnlyTooBigAndNoMedia(t *testing.T) {
	lines := func(n int) string {
		return "v=0\nc=IN IP4 192.0.2.7\n" + strings.Repeat("m=audio 4000 RTP/AVP 0\n", n)
	}
	for _, tt := range []struct {
		name, text string
		want       Reason
	}{
		{"32 m-lines", lines(MaxMedia), ""},
		{"33 m-lines", lines(MaxMedia + 1), TooBig},
		{"16 KiB", plain + "i=" + strings.Repeat("x", MaxSize-len(plain)-2), ""},
		{"one byte more", plain + "i=" + strings.Repeat("x", MaxSize-len(plain)-1), TooBig},
		{"empty", "", NoAudio},
		{"no m-line", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\n", NoAudio},
		{"not SDP", "INVITE sip:x SIP/2.0\r\n\r\n\x00\xff", NoAudio},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.text))
			if got := reason(t, err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestS1_BadLinesCountAsAbsent(t *testing.T) {
	s, err := Parse([]byte("v=0\nc=IN IP4 300.1.1.1\nc=IN IP6 fe80::1%eth0\nc=IN IP4 a$b\nm=audio 70000 RTP/AVP 0 200 x\n" +
		"a=ptime:soon\na=rtcp:0\na=rtpmap:300 X/8000\na=rtpmap:0 /8000\na=fmtp:x\na=:\nm=audio\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Media{
		{Type: "audio", Proto: "RTP/AVP", Tokens: []string{"0", "200", "x"}, Formats: []Format{{0, "PCMU", 8000, 1, ""}}},
		{Type: "audio", Proto: "-"},
	}
	if d := cmp.Diff(want, s.Media); d != "" || s.Connection != "" {
		t.Errorf("connection %q, media (-want +got):\n%s", s.Connection, d)
	}
}

func TestParseEveryField(t *testing.T) {
	s, err := Parse([]byte("v=0\no=me 5 6 IN IP6 2001:db8::9\ns=call\nc=IN IP6 2001:db8::9\nt=0 0\na=sendonly\na=tool:x\n" +
		"m=audio 4000 RTP/AVPF 107\na=rtpmap:107 opus/48000/2\na=fmtp:107 useinbandfec=1; stereo=0\na=ptime:30.0\na=maxptime:60\n" +
		"a=rtcp:4005 IN IP4 192.0.2.3\na=rtcp-mux\na=label:1\nm=audio 4010 RTP/AVP 0\na=recvonly\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Session{
		Origin: Origin{"me", 5, 6, "2001:db8::9"}, Name: "call", Connection: "2001:db8::9",
		Attributes: []Attribute{{"tool", "x"}},
		Media: []Media{{
			Type: "audio", Port: 4000, Proto: "RTP/AVPF", Tokens: []string{"107"},
			Formats:   []Format{{107, "opus", 48000, 2, "useinbandfec=1; stereo=0"}},
			Direction: SendOnly, PTime: 30, MaxPTime: 60, RTCPPort: 4005, RTCPHost: "192.0.2.3", RTCPMux: true,
			Attributes: []Attribute{{"label", "1"}},
		}, {
			Type: "audio", Port: 4010, Proto: "RTP/AVP", Tokens: []string{"0"},
			Formats: []Format{{0, "PCMU", 8000, 1, ""}}, Direction: RecvOnly,
		}},
	}
	if d := cmp.Diff(want, s); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if v, ok := s.Media[0].Attr("LABEL"); v != "1" || !ok {
		t.Errorf("Attr: %q %v", v, ok)
	}
}

func TestS6_CryptoLines(t *testing.T) {
	const key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
	const gcm = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubA=="
	for _, tt := range []struct{ line, want string }{
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key, "1 AES_CM_128_HMAC_SHA1_80 inline:" + key},
		{"7 aes_cm_128_hmac_sha1_32 INLINE:" + key + " WSH=64 -x", "7 AES_CM_128_HMAC_SHA1_32 inline:" + key},
		{"2 AEAD_AES_128_GCM inline:" + gcm + "|2^31", "2 AEAD_AES_128_GCM inline:" + gcm + "|2^31"},
		{"2 AEAD_AES_128_GCM inline:" + strings.TrimRight(gcm, "="), "2 AEAD_AES_128_GCM inline:" + gcm},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^20|66051:4", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^20|66051:4"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:128", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:128"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:129", ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|256:1", ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + ";inline:" + key, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + " UNENCRYPTED_SRTP", ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + gcm, ""},
		{"1 AES_256_CM_HMAC_SHA1_80 inline:" + key, ""},
		{"x AES_CM_128_HMAC_SHA1_80 inline:" + key, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 clear:" + key, ""},
		{"1 AES_CM_128_HMAC_SHA1_80", ""},
	} {
		c, ok := parseCrypto(tt.line)
		if got := c.String(); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%s:\n got %v %s\nwant %s", tt.line, ok, got, tt.want)
		}
	}
	c, _ := parseCrypto("1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|66051:4")
	if !bytes.Equal(c.MKI, []byte{0, 1, 2, 3}) {
		t.Errorf("MKI %v", c.MKI)
	}
	if s := fmt.Sprintf("%#v", c); strings.Contains(s, "inline") {
		t.Errorf("%%#v shows the key: %s", s)
	}
}

// stable says whether what Parse gave survives printing.
func stable(t *testing.T, text []byte) {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		return
	}
	printed := s.Bytes()
	if len(printed) > MaxSize {
		return // rtpmap lines that the input did not have
	}
	again, err := Parse(printed)
	if err != nil {
		t.Fatalf("printed form refused: %v\n%s", err, printed)
	}
	if d := cmp.Diff(s, again); d != "" {
		t.Fatalf("printed form differs (-first +second):\n%s\n%s", d, printed)
	}
	if !bytes.Equal(printed, again.Bytes()) {
		t.Fatal("second print differs")
	}
}

func TestParseOfBytesIsStable(t *testing.T) {
	for _, tt := range odd {
		t.Run(tt.name, func(t *testing.T) { stable(t, []byte(tt.text)) })
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range odd {
		f.Add([]byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, b []byte) { stable(t, b) })
}

func BenchmarkParse(b *testing.B) {
	text := []byte(plain)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
