package sdp

import (
	"bytes"
	"strings"
	"testing"
)

const (
	key80  = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4"
	key32  = "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj"
	keyGCM = "a=crypto:3 AEAD_AES_128_GCM inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubA=="
	keyOdd = "a=crypto:4 F8_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
)

func TestS6_PolicyWhenAnswering(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy Policy
		lines  []string
		suite  string // "" = plain
		tag    int
		want   Reason
	}{
		{"off meets plain", Off, []string{"m=audio 4000 RTP/AVP 0"}, "", 0, ""},
		{"off meets keys in RTP/AVP", Off, []string{"m=audio 4000 RTP/AVP 0", key80}, "", 0, ""},
		{"off meets RTP/SAVP", Off, []string{"m=audio 4000 RTP/SAVP 0", key80}, "", 0, NotEncryption},
		{"optional meets plain", Optional, []string{"m=audio 4000 RTP/AVP 0"}, "", 0, ""},
		{"optional meets keys in RTP/AVP", Optional, []string{"m=audio 4000 RTP/AVP 0", key32, key80}, "AES_CM_128_HMAC_SHA1_32", 2, ""},
		{"optional meets RTP/SAVP", Optional, []string{"m=audio 4000 RTP/SAVP 0", key80, key32}, "AES_CM_128_HMAC_SHA1_80", 1, ""},
		{"optional meets RTP/SAVP without keys", Optional, []string{"m=audio 4000 RTP/SAVP 0", keyOdd}, "", 0, NoEncryption},
		{"required meets plain", Required, []string{"m=audio 4000 RTP/AVP 0"}, "", 0, NoEncryption},
		{"required meets RTP/SAVP", Required, []string{"m=audio 4000 RTP/SAVP 0", keyOdd, keyGCM}, "AEAD_AES_128_GCM", 3, ""},
		{"required meets RTP/SAVPF", Required, []string{"m=audio 4000 RTP/SAVPF 0", key80}, "AES_CM_128_HMAC_SHA1_80", 1, ""},
		{"required takes the encrypted one of two", Required, []string{"m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/SAVP 0", key80}, "AES_CM_128_HMAC_SHA1_80", 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := NewNegotiator(local(func(l *Local) { l.SRTP = tt.policy }))
			body, a, err := n.Answer(describe(tt.lines...))
			if got := reason(t, err); got != tt.want {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			if err != nil {
				return
			}
			s := mustParse(t, body)
			m := s.Media[len(s.Media)-1]
			if tt.suite == "" {
				if a.SRTP != nil || len(m.Crypto) != 0 {
					t.Errorf("encrypted: %+v", a.SRTP)
				}
				return
			}
			if a.SRTP == nil || a.SRTP.Suite != tt.suite || len(m.Crypto) != 1 || m.Crypto[0].Tag != tt.tag || m.Crypto[0].Suite != tt.suite {
				t.Fatalf("agreed %+v, answer %v", a.SRTP, m.Crypto)
			}
			if !bytes.Equal(a.SRTP.LocalKey, m.Crypto[0].Key) || bytes.Equal(a.SRTP.LocalKey, a.SRTP.RemoteKey) {
				t.Error("keys mixed up")
			}
		})
	}
}

func TestS6_PolicyWhenOffering(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy Policy
		proto  string
		keys   int
		answer []string
		suite  string
		want   Reason
	}{
		{"off", Off, "RTP/AVP", 0, []string{"m=audio 4000 RTP/AVP 0"}, "", ""},
		{"optional, taken", Optional, "RTP/AVP", 3, []string{"m=audio 4000 RTP/AVP 0", key32}, "AES_CM_128_HMAC_SHA1_32", ""},
		{"optional, not taken", Optional, "RTP/AVP", 3, []string{"m=audio 4000 RTP/AVP 0"}, "", ""},
		{"required, taken", Required, "RTP/SAVP", 3, []string{"m=audio 4000 RTP/SAVP 0", key80}, "AES_CM_128_HMAC_SHA1_80", ""},
		{"required, not taken", Required, "RTP/SAVP", 3, []string{"m=audio 4000 RTP/AVP 0"}, "", NoEncryption},
		{"required, unknown suite", Required, "RTP/SAVP", 3, []string{"m=audio 4000 RTP/SAVP 0", keyOdd}, "", NoEncryption},
		{"off, but RTP/SAVP answered", Off, "RTP/AVP", 0, []string{"m=audio 4000 RTP/SAVP 0", key80}, "", NoEncryption},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := NewNegotiator(local(func(l *Local) { l.SRTP = tt.policy }))
			m := mustOffer(t, n).Media[0]
			if m.Proto != tt.proto || len(m.Crypto) != tt.keys {
				t.Fatalf("offer %s with %d keys", m.Proto, len(m.Crypto))
			}
			a, err := n.SetAnswer(describe(tt.answer...))
			if got := reason(t, err); got != tt.want {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			if tt.suite == "" {
				if a.SRTP != nil {
					t.Errorf("encrypted: %+v", a.SRTP)
				}
				return
			}
			for _, c := range m.Crypto {
				if c.Suite == tt.suite && bytes.Equal(c.Key, a.SRTP.LocalKey) && a.SRTP.Suite == tt.suite {
					return
				}
			}
			t.Errorf("agreed %+v", a.SRTP)
		})
	}
}

func TestS6_LifetimeAndMKI(t *testing.T) {
	n := NewNegotiator(local(func(l *Local) { l.SRTP = Required }))
	_, a := mustAnswer(t, n, describe("m=audio 4000 RTP/SAVP 0", key80))
	if !bytes.Equal(a.SRTP.RemoteMKI, []byte{0, 0, 0, 1}) || len(a.SRTP.RemoteKey) != 30 {
		t.Errorf("%+v", a.SRTP)
	}
}

func TestS6_ReoffersKeepTheKeys(t *testing.T) {
	n := NewNegotiator(local(func(l *Local) { l.SRTP = Required }))
	mustOffer(t, n)
	first := mustSet(t, n, describe("m=audio 4000 RTP/SAVP 0", key32))

	m := mustOffer(t, n).Media[0]
	if len(m.Crypto) != 1 || m.Crypto[0].Suite != first.SRTP.Suite || !bytes.Equal(m.Crypto[0].Key, first.SRTP.LocalKey) || m.Proto != "RTP/SAVP" {
		t.Errorf("re-offer: %v", m.Crypto)
	}
	s, again := mustAnswer(t, n, describe("m=audio 4000 RTP/SAVP 0", key80, key32))
	if again.SRTP.Suite != first.SRTP.Suite || !bytes.Equal(again.SRTP.LocalKey, first.SRTP.LocalKey) || s.Media[0].Crypto[0].Tag != 2 {
		t.Errorf("answer to a re-offer: %+v", again.SRTP)
	}
	if _, _, err := n.Answer(describe("m=audio 4000 RTP/AVP 0")); reason(t, err) != NoEncryption {
		t.Errorf("downgrade: %v", err)
	}
}

func TestS6_OptionalDoesNotDowngradeLater(t *testing.T) {
	n := NewNegotiator(local(func(l *Local) { l.SRTP = Optional }))
	mustAnswer(t, n, describe("m=audio 4000 RTP/AVP 0", key80))
	if _, _, err := n.Answer(describe("m=audio 4000 RTP/AVP 0")); reason(t, err) != NoEncryption {
		t.Errorf("got %v", err)
	}
}

func TestPolicyNames(t *testing.T) {
	for _, p := range []Policy{Off, Optional, Required} {
		if got, ok := ParsePolicy(strings.ToUpper(p.String())); got != p || !ok {
			t.Errorf("%v: %v %v", p, got, ok)
		}
	}
	if _, ok := ParsePolicy("perhaps"); ok {
		t.Error("perhaps")
	}
}

// FuzzNegotiate answers an offer, re-offers, and takes the same bytes as an
// answer: whatever they are, both sides must keep the rules.
func FuzzNegotiate(f *testing.F) {
	for _, tt := range odd {
		f.Add([]byte(tt.text), byte(0))
		f.Add([]byte(tt.text), byte(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, policy byte) {
		l := local(func(l *Local) {
			l.SRTP, l.Codecs = Policy(policy%3), []string{"opus", "G722", "PCMA", "PCMU", "telephone-event"}
		})
		n := NewNegotiator(l)
		body, a, err := n.Answer(b)
		if err == nil {
			offer, answer := mustParse(t, b), mustParse(t, body)
			if len(offer.Media) != len(answer.Media) {
				t.Fatalf("%d sections answered with %d", len(offer.Media), len(answer.Media))
			}
			if l.SRTP == Required && a.SRTP == nil {
				t.Fatal("plain although encryption is required")
			}
			if len(mustOffer(t, n).Media) != len(offer.Media) {
				t.Fatal("re-offer has other sections")
			}
		} else {
			reason(t, err)
		}
		if _, err := n.Offer(); err != nil {
			t.Fatal(err)
		}
		if _, err := n.SetAnswer(b); err != nil {
			reason(t, err)
		}
	})
}
