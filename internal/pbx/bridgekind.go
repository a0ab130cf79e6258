package pbx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/media"
)

// BridgeFlag is something that a bridge is asked to do beside its type, as ARI
// names it (spec: ari 8, Bridge).
type BridgeFlag string

// The flags.
const (
	FlagDTMFEvents  BridgeFlag = "dtmf_events"  // digits are told one by one: media is not passed natively
	FlagProxyMedia  BridgeFlag = "proxy_media"  // media stays with us; ours always does
	FlagVideoSFU    BridgeFlag = "video_sfu"    // VideoMode "sfu"
	FlagVideoSingle BridgeFlag = "video_single" // VideoMode "single"
	FlagSDPLabel    BridgeFlag = "sdp_label"    // kept, without effect
)

// bridgeFlags are all flags, for ParseBridgeType.
var bridgeFlags = []BridgeFlag{FlagDTMFEvents, FlagProxyMedia, FlagVideoSFU, FlagVideoSingle, FlagSDPLabel}

// ParseBridgeType reads ARI's comma list, "mixing,dtmf_events". An empty list
// is a mixing bridge. Errors: ErrBridgeType for mixing together with holding,
// and for a list in which nothing is known (Asterisk: resource_bridges.c; spec:
// ari 8). Words that are not known beside ones that are do not matter.
func ParseBridgeType(list string) (BridgeType, []BridgeFlag, error) {
	if strings.TrimSpace(list) == "" {
		return Mixing, nil, nil
	}
	kind, flags := BridgeType(""), []BridgeFlag(nil)
	for word := range strings.SplitSeq(list, ",") {
		word = strings.ToLower(strings.TrimSpace(word))
		switch t := BridgeType(word); {
		case t == Mixing || t == Holding:
			if kind != "" && kind != t {
				return "", nil, fmt.Errorf("bridge type %q: %w", list, ErrBridgeType)
			}
			kind = t
		case slices.Contains(bridgeFlags, BridgeFlag(word)) && !slices.Contains(flags, BridgeFlag(word)):
			flags = append(flags, BridgeFlag(word))
		}
	}
	if kind == "" && flags == nil {
		return "", nil, fmt.Errorf("bridge type %q: %w", list, ErrBridgeType)
	}
	if kind == "" {
		kind = Mixing
	}
	return kind, flags, nil
}

// Bridge technologies, as Asterisk names them.
const (
	techSimple  = "simple_bridge"  // at most two members, converted if need be
	techNative  = "native_rtp"     // two answered members whose packets are passed on as they come
	techSoftmix = "softmix"        // a mix
	techHolding = "holding_bridge" //
)

// technologyNow is the technology that fits the wiring; b.mu is held. A bridge
// is native only if it can be when its members change, as Asterisk's is: one
// that was wired before the answer stays simple (observed: Asterisk 22.10,
// vectors 03a, 14).
func (b *Bridge) technologyNow() string {
	switch {
	case b.kind == Holding:
		return techHolding
	case b.mixer != nil:
		return techSoftmix
	case b.relays():
		return techNative
	}
	return techSimple
}

// relays says that the packets of two answered members are passed on unchanged.
func (b *Bridge) relays() bool {
	if b.link == nil || b.link.Mode() != media.LinkRelay || slices.Contains(b.flags, FlagDTMFEvents) {
		return false
	}
	for _, m := range b.members {
		if m.c.snap.Load().State != Up {
			return false
		}
	}
	return true
}

// videoMode is the video mode of a new bridge (spec: ari 8: talker is the default).
func videoMode(flags []BridgeFlag) string {
	switch {
	case slices.Contains(flags, FlagVideoSFU):
		return "sfu"
	case slices.Contains(flags, FlagVideoSingle):
		return "single"
	}
	return "talker"
}
