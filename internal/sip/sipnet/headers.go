package sipnet

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// errList says that a header line holds several values. The library's parser
// has its own word for this, but does not export it, so such lines are split
// by [normalise] and the message is parsed again.
var errList = errors.New("several values in one header line")

// newParser is the library's parser with our own readers for the headers that
// decide where a message goes. The library's own readers keep white space that
// RFC 3261 §25.1 allows around "/", ":", ";" and "=", drop the parameters of a
// Via with a space before its port, compare parameter names case-sensitively
// and do not know most compact names.
func newParser() *sip.Parser {
	m := maps.Clone(sip.DefaultHeadersParser())
	for _, name := range []string{"via", "v"} {
		m[name] = readVia
	}
	for _, name := range []string{"from", "f"} {
		m[name] = readFrom
	}
	for _, name := range []string{"to", "t"} {
		m[name] = readTo
	}
	for _, name := range []string{"contact", "m"} {
		m[name] = readContact
	}
	for _, name := range []string{"refer-to", "r"} {
		m[name] = readReferTo
	}
	for _, name := range []string{"referred-by", "b"} {
		m[name] = readReferredBy
	}
	m["route"] = readRoute
	m["record-route"] = readRecordRoute
	m["cseq"] = readCSeq
	for compact, full := range compactNames() {
		if m[compact] == nil {
			m[compact] = func(_ []byte, text string) (sip.Header, error) {
				return sip.NewHeader(full, text), nil
			}
		}
	}
	p := sip.NewParser(sip.WithHeadersParsers(m))
	p.MaxMessageLength = maxMessage
	return p
}

// compactNames are the one-letter header names that the library does not
// know, from the IANA registry "SIP Header Fields".
func compactNames() map[string]string {
	return map[string]string{
		"a": "Accept-Contact",      // RFC 3841 §9.2
		"d": "Request-Disposition", // RFC 3841 §9.1
		"e": "Content-Encoding",    // RFC 3261 §20.12
		"j": "Reject-Contact",      // RFC 3841 §9.2
		"k": "Supported",           // RFC 3261 §20.37
		"o": "Event",               // RFC 6665 §8.2.1
		"s": "Subject",             // RFC 3261 §20.36
		"u": "Allow-Events",        // RFC 6665 §8.2.2
		"x": "Session-Expires",     // RFC 4028 §4
		"y": "Identity",            // RFC 8224 §4
	}
}

func readFrom(_ []byte, text string) (sip.Header, error) {
	a, err := oneAddress(text)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	return &sip.FromHeader{DisplayName: a.display, Address: a.uri, Params: a.params}, nil
}

func readTo(_ []byte, text string) (sip.Header, error) {
	a, err := oneAddress(text)
	if err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	return &sip.ToHeader{DisplayName: a.display, Address: a.uri, Params: a.params}, nil
}

func readReferredBy(_ []byte, text string) (sip.Header, error) {
	a, err := oneAddress(text)
	if err != nil {
		return nil, fmt.Errorf("referred-by: %w", err)
	}
	return &sip.ReferredByHeader{DisplayName: a.display, Address: a.uri, Params: a.params}, nil
}

func readReferTo(_ []byte, text string) (sip.Header, error) {
	a, err := oneAddress(text)
	if err != nil {
		return nil, fmt.Errorf("refer-to: %w", err)
	}
	return &sip.ReferToHeader{Address: a.uri}, nil
}

func readContact(_ []byte, text string) (sip.Header, error) {
	if strings.TrimSpace(text) == "*" {
		return &sip.ContactHeader{Address: sip.Uri{Host: "*", Wildcard: true}}, nil
	}
	a, rest, err := readAddress(text)
	if err != nil {
		return nil, fmt.Errorf("contact: %w", err)
	}
	if rest != "" {
		return nil, errList
	}
	return &sip.ContactHeader{DisplayName: a.display, Address: a.uri, Params: a.params}, nil
}

func readRoute(_ []byte, text string) (sip.Header, error) {
	a, rest, err := readAddress(text)
	if err != nil {
		return nil, fmt.Errorf("route: %w", err)
	}
	if rest != "" {
		return nil, errList
	}
	return &sip.RouteHeader{Address: a.uri}, nil
}

func readRecordRoute(_ []byte, text string) (sip.Header, error) {
	a, rest, err := readAddress(text)
	if err != nil {
		return nil, fmt.Errorf("record-route: %w", err)
	}
	if rest != "" {
		return nil, errList
	}
	return &sip.RecordRouteHeader{Address: a.uri}, nil
}

// maxCSeq is the largest sequence number (RFC 3261 §8.1.1.5: below 2**31).
const maxCSeq = 1<<31 - 1

func readCSeq(_ []byte, text string) (sip.Header, error) {
	number, method, ok := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	method = strings.TrimSpace(method)
	if !ok || !isToken(method) {
		return nil, fmt.Errorf("cseq %q is not a number and a method", text)
	}
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil || n > maxCSeq {
		return nil, fmt.Errorf("cseq number %q is not below 2**31", number)
	}
	return &sip.CSeqHeader{SeqNo: uint32(n), MethodName: sip.RequestMethod(method)}, nil
}

// readVia reads one Via value (RFC 3261 §20.42):
//
//	SIP / 2.0 / UDP  first.example.com : 4000 ;ttl=16 ;branch=z9hG4bKa7c6a8dlze.1
func readVia(_ []byte, text string) (sip.Header, error) {
	v, err := parseVia(text)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func parseVia(text string) (*sip.ViaHeader, error) {
	if commaOutside(text) >= 0 {
		return nil, errList
	}
	name, rest, ok1 := strings.Cut(text, "/")
	version, rest, ok2 := strings.Cut(rest, "/")
	rest = strings.TrimLeft(rest, lws)
	end := strings.IndexAny(rest, lws)
	if !ok1 || !ok2 || end <= 0 {
		return nil, fmt.Errorf("via %q has no protocol and sent-by", text)
	}
	v := &sip.ViaHeader{
		ProtocolName:    strings.TrimSpace(name),
		ProtocolVersion: strings.TrimSpace(version),
		Transport:       rest[:end],
	}
	sentBy, params, _ := strings.Cut(rest[end:], ";")
	if err := viaSentBy(strings.TrimSpace(sentBy), v); err != nil {
		return nil, fmt.Errorf("via %q: %w", text, err)
	}
	var err error
	if v.Params, err = readParams(params); err != nil {
		return nil, fmt.Errorf("via %q: %w", text, err)
	}
	return v, nil
}

// viaSentBy splits "host", "host:port", "[v6]" and "[v6]:port".
func viaSentBy(s string, v *sip.ViaHeader) error {
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return errors.New("address without its closing bracket")
		}
		host, port = s[1:end], strings.TrimSpace(s[end+1:])
		if port != "" && port[0] != ':' {
			return errors.New("text after the address")
		}
		port = strings.TrimPrefix(port, ":")
	} else if i := strings.LastIndexByte(s, ':'); i >= 0 && strings.IndexByte(s, ':') == i {
		host, port = s[:i], s[i+1:]
	}
	v.Host = strings.TrimSpace(host)
	if v.Host == "" || strings.ContainsAny(v.Host, lws) {
		return errors.New("no host in sent-by")
	}
	if port = strings.TrimSpace(port); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return fmt.Errorf("port %q", port)
		}
		v.Port = int(n)
	}
	return nil
}
