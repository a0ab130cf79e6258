package ari

import (
	"net/http"
	"strings"
)

// SplitEndpoint splits an endpoint at its first slash: "PJSIP/100@trunk" gives "PJSIP"
// and "100@trunk" (spec: ari 6.5). Errors are a 400 *Error with Asterisk's texts.
func SplitEndpoint(endpoint string) (tech, resource string, err error) {
	if endpoint == "" {
		return "", "", Errorf(http.StatusBadRequest, "Endpoint must be specified")
	}
	tech, resource, _ = strings.Cut(endpoint, "/")
	if tech == "" || resource == "" {
		return "", "", Errorf(http.StatusBadRequest, "Invalid endpoint specified")
	}
	return tech, resource, nil
}

// SourceKind is what an event source is about.
type SourceKind string

// The kinds of event sources, as they are written before the colon.
const (
	SourceChannel  SourceKind = "channel"
	SourceBridge   SourceKind = "bridge"
	SourceEndpoint SourceKind = "endpoint"
	SourceDevice   SourceKind = "deviceState"
)

// Source is something that an application hears of (spec: ari 3.3 rule 2).
type Source struct {
	Kind SourceKind
	ID   string // "" = all of the kind; an endpoint's is "PJSIP" or "PJSIP/100"
}

// ParseSource reads "channel:c1", "bridge:", "endpoint:PJSIP/100" or
// "deviceState:Stasis:lamp". Another scheme is a 400 *Error.
func ParseSource(s string) (Source, error) {
	kind, id, colon := strings.Cut(s, ":")
	switch k := SourceKind(kind); k {
	case SourceChannel, SourceBridge, SourceEndpoint, SourceDevice:
		if colon {
			return Source{Kind: k, ID: id}, nil
		}
	}
	return Source{}, Errorf(http.StatusBadRequest, "Invalid event source URI scheme")
}

// String gives what ParseSource reads.
func (s Source) String() string { return string(s.Kind) + ":" + s.ID }

// BridgeKind is what the parameter "type" of a new bridge says (spec: ari 8).
type BridgeKind struct {
	Holding    bool // a holding bridge: participants hear music and announcers, else mixing
	DTMFEvents bool // digits of members are told
	ProxyMedia bool // media passes through the server
	SDPLabel   bool
	VideoMode  string // "talker" (default), "sfu", "single"
}

// Type gives the member bridge_type: "mixing" or "holding".
func (k BridgeKind) Type() string {
	if k.Holding {
		return "holding"
	}
	return "mixing"
}

// ParseBridgeKind reads a comma separated list; "" is mixing. Words that are not known
// are ignored as long as another is. Mixing and holding together, and no known word, are
// a 400 *Error where Asterisk has a 500.
func ParseBridgeKind(s string) (BridgeKind, error) {
	k := BridgeKind{VideoMode: "talker"}
	known, mixing := s == "", false
	for word := range strings.SplitSeq(s, ",") {
		ok := true
		switch strings.ToLower(strings.TrimSpace(word)) {
		case "mixing":
			mixing = true
		case "holding":
			k.Holding = true
		case "dtmf_events":
			k.DTMFEvents = true
		case "proxy_media":
			k.ProxyMedia = true
		case "video_sfu":
			k.VideoMode = "sfu"
		case "video_single":
			k.VideoMode = "single"
		case "sdp_label":
			k.SDPLabel = true
		default:
			ok = false
		}
		known = known || ok
	}
	if !known {
		return BridgeKind{}, Errorf(http.StatusBadRequest, "Unknown bridge type %q", s)
	}
	if mixing && k.Holding {
		return BridgeKind{}, Errorf(http.StatusBadRequest, "A bridge can't be both mixing and holding")
	}
	return k, nil
}

// Presentation gives the text for a caller's presentation and screening, a number of
// Q.931 (Asterisk: callerid.c ast_describe_caller_presentation).
//
//	bits 6-5: 00 allowed, 01 prohibited, 10 number unavailable
//	bits 1-0: 00 not screened, 01 passed, 10 failed, 11 network number
func Presentation(n int) string {
	if n == 0x43 {
		return "Number Unavailable"
	}
	var shown string
	switch n &^ 3 {
	case 0x00:
		shown = "Allowed"
	case 0x20:
		shown = "Prohibited"
	default:
		return "unknown"
	}
	screened := [...]string{"Not Screened", "Passed Screen", "Failed Screen", "Network Number"}
	return "Presentation " + shown + ", " + screened[n&3]
}
