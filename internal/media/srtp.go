package media

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/pion/srtp/v3"
)

// SRTPKeys are the keys that SDES agreed (RFC 4568): key and salt in one, 30
// octets for the AES_CM suites, 28 for AEAD_AES_128_GCM.
type SRTPKeys struct {
	Suite  string // "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM"
	Local  []byte // protects what we send
	Remote []byte // protects what we receive
	// RemoteMKI is the master key identifier that the peer announced with its
	// key, 1-128 octets, and puts into each of its packets; nil = none. Ours
	// carry none: we announce none (RFC 4568 §6.1).
	RemoteMKI []byte
}

func (k *SRTPKeys) equal(o *SRTPKeys) bool {
	if k == nil || o == nil {
		return k == o
	}
	return k.Suite == o.Suite && bytes.Equal(k.Local, o.Local) && bytes.Equal(k.Remote, o.Remote) && bytes.Equal(k.RemoteMKI, o.RemoteMKI)
}

// secureSide is one direction's contexts. RTP and RTCP have their own, because
// a context serves one goroutine at a time.
type secureSide struct{ rtp, rtcp secureContext }

// secureContext protects or opens packets of one kind. Where the peer
// announced an MKI, its packets look so (RFC 3711 §3.1):
//
//	| header | encrypted payload | MKI | authentication tag |
//
// Some peers announce one and leave it out. So bare opens packets without it,
// until the first authentic packet shows what this peer does.
type secureContext struct {
	*srtp.Context
	bare *srtp.Context // nil when no MKI was announced, or it is known whether packets have it
}

// openRTP authenticates b and decrypts it in place.
func (c *secureContext) openRTP(b []byte) ([]byte, error) {
	out, err := c.DecryptRTP(b, b, nil)
	if err != nil && c.bare != nil { // without the MKI in its place b is untouched
		out, err = c.bare.DecryptRTP(b, b, nil)
		c.settle(c.bare, err)
		return out, err
	}
	c.settle(c.Context, err)
	return out, err
}

// openRTCP authenticates b and gives the decrypted packet.
func (c *secureContext) openRTCP(b []byte) ([]byte, error) {
	out, err := c.DecryptRTCP(nil, b, nil)
	if err != nil && c.bare != nil {
		out, err = c.bare.DecryptRTCP(nil, b, nil)
		c.settle(c.bare, err)
		return out, err
	}
	c.settle(c.Context, err)
	return out, err
}

// settle notes which context opened a packet.
func (c *secureContext) settle(by *srtp.Context, err error) {
	if err == nil {
		c.Context, c.bare = by, nil
	}
}

// replayWindow packets back may still arrive late (RFC 3711 §3.3.2 asks for 64 at least).
const replayWindow = 128

// protect makes the contexts for what we send.
func protect(suite string, master []byte) (*secureSide, error) {
	rtp, err := newContext(suite, master)
	if err != nil {
		return nil, err
	}
	rtcp, err := newContext(suite, master)
	if err != nil {
		return nil, err
	}
	return &secureSide{secureContext{Context: rtp}, secureContext{Context: rtcp}}, nil
}

// unprotect makes the contexts for what we receive, with the MKI that the peer
// announced.
func unprotect(suite string, master, mki []byte) (*secureSide, error) {
	s := &secureSide{}
	for _, c := range []*secureContext{&s.rtp, &s.rtcp} {
		opts := []srtp.ContextOption{srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow)}
		var err error
		if c.Context, err = newContext(suite, master, opts...); err != nil {
			return nil, err
		}
		if len(mki) == 0 {
			continue
		}
		c.bare = c.Context
		if c.Context, err = newContext(suite, master, append(opts, srtp.MasterKeyIndicator(mki))...); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// newContext checks the master key and derives the session keys.
func newContext(suite string, master []byte, opts ...srtp.ContextOption) (*srtp.Context, error) {
	profile, err := srtpProfile(suite)
	if err != nil {
		return nil, err
	}
	keyLen, err := profile.KeyLen()
	if err != nil {
		return nil, err
	}
	saltLen, err := profile.SaltLen()
	if err != nil {
		return nil, err
	}
	if len(master) != keyLen+saltLen {
		return nil, fmt.Errorf("media: SRTP key of %s has %d octets instead of %d", suite, len(master), keyLen+saltLen)
	}
	c, err := srtp.CreateContext(master[:keyLen], master[keyLen:], profile, opts...)
	if err != nil {
		return nil, fmt.Errorf("media: SRTP: %w", err)
	}
	return c, nil
}

func srtpProfile(suite string) (srtp.ProtectionProfile, error) {
	switch strings.ToUpper(suite) {
	case "AES_CM_128_HMAC_SHA1_80": // RFC 4568 §6.2.1
		return srtp.ProtectionProfileAes128CmHmacSha1_80, nil
	case "AES_CM_128_HMAC_SHA1_32": // RFC 4568 §6.2.2
		return srtp.ProtectionProfileAes128CmHmacSha1_32, nil
	case "AEAD_AES_128_GCM": // RFC 7714 §14.2
		return srtp.ProtectionProfileAeadAes128Gcm, nil
	}
	return 0, fmt.Errorf("media: unknown SRTP suite %q", suite)
}
