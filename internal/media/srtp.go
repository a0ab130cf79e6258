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
}

func (k *SRTPKeys) equal(o *SRTPKeys) bool {
	if k == nil || o == nil {
		return k == o
	}
	return k.Suite == o.Suite && bytes.Equal(k.Local, o.Local) && bytes.Equal(k.Remote, o.Remote)
}

// secureSide is one direction's contexts. RTP and RTCP have their own, because
// a context serves one goroutine at a time.
type secureSide struct{ rtp, rtcp *srtp.Context }

// replayWindow packets back may still arrive late (RFC 3711 §3.3.2 asks for 64 at least).
const replayWindow = 128

// newSecureSide makes the contexts of one master key.
func newSecureSide(suite string, master []byte, receive bool) (*secureSide, error) {
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
	var opts []srtp.ContextOption
	if receive {
		opts = []srtp.ContextOption{srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow)}
	}
	s := &secureSide{}
	if s.rtp, err = srtp.CreateContext(master[:keyLen], master[keyLen:], profile, opts...); err != nil {
		return nil, fmt.Errorf("media: SRTP: %w", err)
	}
	if s.rtcp, err = srtp.CreateContext(master[:keyLen], master[keyLen:], profile, opts...); err != nil {
		return nil, fmt.Errorf("media: SRTCP: %w", err)
	}
	return s, nil
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
