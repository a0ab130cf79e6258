package sipnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// zone is a resolver with fixed records.
type zone struct {
	srv map[string][]*net.SRV
	ip  map[string]string
}

func (z zone) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	q := "_" + service + "._" + proto + "." + name
	if r, ok := z.srv[q]; ok {
		return q, r, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: q, IsNotFound: true}
}

func (z zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a, ok := z.ip[host]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func TestResolve(t *testing.T) {
	z := zone{
		srv: map[string][]*net.SRV{
			"_sip._udp.example.com":  {{Target: "a.example.com.", Port: 5070}, {Target: "gone.example.com.", Port: 1}, {Target: "b.example.com.", Port: 5080}},
			"_sip._tcp.example.com":  {{Target: "a.example.com.", Port: 5071}},
			"_sips._tcp.example.com": {{Target: "b.example.com.", Port: 5072}},
			"_sip._udp.off.com":      {{Target: "."}},
		},
		ip: map[string]string{"a.example.com": "192.0.2.1", "b.example.com": "2001:db8::2", "plain.com": "192.0.2.3", "example.com": "192.0.2.9", "off.com": "192.0.2.4"},
	}
	n, err := New(Config{Resolver: z})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		uri  string
		want []string
	}{
		{"sip:u@192.0.2.7", []string{"udp 192.0.2.7:5060 "}},
		{"sip:u@192.0.2.7:5099;transport=tcp", []string{"tcp 192.0.2.7:5099 "}},
		{"sip:u@[2001:db8::1]", []string{"udp [2001:db8::1]:5060 "}},
		{"sips:u@192.0.2.7", []string{"tls 192.0.2.7:5061 192.0.2.7"}},
		{"sip:u@host.invalid;maddr=192.0.2.8", []string{"udp 192.0.2.8:5060 "}},
		{"sip:u@example.com", []string{"udp 192.0.2.1:5070 ", "udp [2001:db8::2]:5080 ", "tcp 192.0.2.1:5071 "}},
		{"sip:u@example.com;transport=TCP", []string{"tcp 192.0.2.1:5071 "}},
		{"sip:u@example.com:5066", []string{"udp 192.0.2.9:5066 "}},
		{"sips:u@example.com", []string{"tls [2001:db8::2]:5072 example.com"}},
		{"sip:u@example.com;transport=tls", []string{"tls [2001:db8::2]:5072 example.com"}},
		{"sip:u@plain.com", []string{"udp 192.0.2.3:5060 "}},
		{"sips:u@plain.com;transport=tcp", []string{"tls 192.0.2.3:5061 plain.com"}},
		{"sip:u@off.com", []string{"udp 192.0.2.4:5060 "}},
	} {
		var uri sip.Uri
		if err := sip.ParseUri(c.uri, &uri); err != nil {
			t.Fatal(err)
		}
		targets, err := n.Resolve(t.Context(), uri)
		if err != nil {
			t.Errorf("%s: %v", c.uri, err)
		}
		var got []string
		for _, x := range targets {
			got = append(got, fmt.Sprintf("%s %s %s", x.Transport, x.Addr, x.ServerName))
		}
		diff(t, c.uri, c.want, got)
	}
	for _, bad := range []string{"sip:u@nowhere.com", "sip:u@a.com;transport=ws", "sips:u@a.com;transport=udp", "tel:+49", "sip:u@a.com;transport=sctp"} {
		var uri sip.Uri
		if err := sip.ParseUri(bad, &uri); err != nil {
			t.Fatal(err)
		}
		if got, err := n.Resolve(t.Context(), uri); !errors.Is(err, ErrUnresolvable) {
			t.Errorf("%s: %v, %v", bad, got, err)
		}
	}
}
