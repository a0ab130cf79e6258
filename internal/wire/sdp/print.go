package sdp

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
)

// Bytes prints the description with CRLF line ends, in the order of
// RFC 8866 §9. Every payload type with a name gets its rtpmap, also the static
// ones, because some phones want it.
func (s *Session) Bytes() []byte {
	var b bytes.Buffer
	o := s.Origin
	fmt.Fprintf(&b, "v=0\r\no=%s %d %d IN %s %s\r\ns=%s\r\n",
		orElse(o.Username, "-"), o.SessID, o.Version, family(o.Addr), orElse(o.Addr, "0.0.0.0"), orElse(s.Name, "-"))
	printConnection(&b, s.Connection)
	b.WriteString("t=0 0\r\n")
	printAttributes(&b, s.Attributes)
	for i := range s.Media {
		s.Media[i].print(&b)
	}
	return b.Bytes()
}

func (m *Media) print(b *bytes.Buffer) {
	fmt.Fprintf(b, "m=%s %d %s", orElse(m.Type, "-"), m.Port, orElse(m.Proto, "-"))
	for _, token := range m.tokens() {
		b.WriteByte(' ')
		b.WriteString(token)
	}
	b.WriteString("\r\n")
	printConnection(b, m.Connection)
	for _, f := range m.Formats {
		f.print(b)
	}
	for _, c := range m.Crypto {
		fmt.Fprintf(b, "a=crypto:%s\r\n", c)
	}
	printMillis(b, "ptime", m.PTime)
	printMillis(b, "maxptime", m.MaxPTime)
	if m.RTCPPort != 0 {
		fmt.Fprintf(b, "a=rtcp:%d", m.RTCPPort)
		if m.RTCPHost != "" {
			fmt.Fprintf(b, " IN %s %s", family(m.RTCPHost), m.RTCPHost)
		}
		b.WriteString("\r\n")
	}
	if m.RTCPMux {
		b.WriteString("a=rtcp-mux\r\n")
	}
	if m.Direction != SendRecv || m.Port != 0 && m.isRTP() {
		fmt.Fprintf(b, "a=%s\r\n", m.Direction)
	}
	printAttributes(b, m.Attributes)
}

// tokens gives the formats of the m= line: as parsed, else from Formats.
func (m *Media) tokens() []string {
	if len(m.Tokens) > 0 || len(m.Formats) == 0 {
		return m.Tokens
	}
	out := make([]string, len(m.Formats))
	for i, f := range m.Formats {
		out[i] = fmt.Sprint(f.PT)
	}
	return out
}

func (f Format) print(b *bytes.Buffer) {
	if f.Name != "" {
		fmt.Fprintf(b, "a=rtpmap:%d %s/%d", f.PT, f.Name, f.Rate)
		if f.Channels > 1 {
			fmt.Fprintf(b, "/%d", f.Channels)
		}
		b.WriteString("\r\n")
	}
	if f.FMTP != "" {
		fmt.Fprintf(b, "a=fmtp:%d %s\r\n", f.PT, f.FMTP)
	}
}

func printConnection(b *bytes.Buffer, host string) {
	if host != "" {
		fmt.Fprintf(b, "c=IN %s %s\r\n", family(host), host)
	}
}

func printMillis(b *bytes.Buffer, name string, ms int) {
	if ms != 0 {
		fmt.Fprintf(b, "a=%s:%d\r\n", name, ms)
	}
}

func printAttributes(b *bytes.Buffer, list []Attribute) {
	for _, a := range list {
		b.WriteString("a=" + a.Name)
		if a.Value != "" {
			b.WriteString(":" + a.Value)
		}
		b.WriteString("\r\n")
	}
}

// family is the address type of a host: IP6 for an IPv6 address, else IP4,
// also for a name.
func family(host string) string {
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		return "IP6"
	}
	return "IP4"
}

func orElse(s, otherwise string) string {
	if strings.TrimSpace(s) == "" {
		return otherwise
	}
	return s
}
