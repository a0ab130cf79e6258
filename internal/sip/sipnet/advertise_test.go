package sipnet

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/emiago/sipgo/sip"
)

func TestN7_AdvertisedAddress(t *testing.T) {
	for _, c := range []struct {
		name, advertise, peer, want string
	}{
		{"bound", "", "10.0.0.2:5060", "10.0.0.1:5060"},
		{"host", "pbx.example.com", "10.0.0.2:5060", "pbx.example.com:5060"},
		{"host and port", "203.0.113.1:6060", "10.0.0.2:5060", "203.0.113.1:6060"},
		{"override", "203.0.113.1:6060", "192.168.7.9:5060", "192.168.7.1:6060"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(cfg *Config) {
				cfg.Listen[0].Advertise = c.advertise
				cfg.Overrides = []AdvertiseOverride{{netip.MustParsePrefix("192.168.0.0/16"), "192.168.7.1"}}
			}, func(t *testing.T, r *rig) {
				f, err := r.net.Flow(t.Context(), Target{Transport: UDP, Addr: netip.MustParseAddrPort(c.peer)})
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // the second from the cache
					host, port := f.SentBy()
					diff(t, "sent-by", c.want, fmt.Sprintf("%s:%d", host, port))
				}
			})
		})
	}
}

// certificate is self-signed for these hosts and addresses.
func certificate(t *testing.T, name string, client bool) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	usage := x509.ExtKeyUsageServerAuth
	if client {
		usage = x509.ExtKeyUsageClientAuth
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestN7_TLSPerListenerAndPerTrunk(t *testing.T) {
	server, serverRoots := certificate(t, "pbx.test", false)
	client, clientRoots := certificate(t, "trunk.test", true)
	in, back := newInbox(), newInbox()
	n := start(t, Config{Listen: []ListenConfig{{
		Transport: TLS, Addr: "127.0.0.1:0",
		TLS: &tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: clientRoots, ClientAuth: tls.RequireAndVerifyClientCert},
	}}}, in.handle)
	var asked []string
	m := start(t, Config{ClientTLS: func(host string) *tls.Config {
		asked = append(asked, host)
		if host != "pbx.test" {
			return nil
		}
		return &tls.Config{RootCAs: serverRoots, Certificates: []tls.Certificate{client}}
	}}, back.handle)
	at := n.Listeners()[0].Addr
	f, err := m.Flow(t.Context(), Target{TLS, at, "pbx.test"})
	if err != nil {
		t.Fatal(err)
	}
	if !f.Secure() || f.Transport() != TLS {
		t.Error("not secure")
	}
	if err := f.Send([]byte(message(1))); err != nil {
		t.Fatal(err)
	}
	h := <-in.more
	if err := h.flow.Send([]byte(message(2))); err != nil { // both ways on one connection
		t.Fatal(err)
	}
	if b := <-back.more; b.flow != f || b.msg.CallID().Value() != "c2" {
		t.Errorf("received %s on %s", b.msg.CallID().Value(), b.flow.ID())
	}
	host, port := h.flow.SentBy()
	diff(t, "sent-by", at.String(), fmt.Sprintf("%s:%d", host, port))
	if g, err := m.Flow(t.Context(), Target{TLS, at, "other.test"}); err == nil {
		t.Errorf("a certificate for another name was accepted: %s", g.ID())
	}
	diff(t, "asked for", []string{"pbx.test", "other.test"}, asked)
}

func TestN5_TLSHandshakeDoesNotHoldTheListener(t *testing.T) {
	server, roots := certificate(t, "pbx.test", false)
	in := newInbox()
	n := start(t, Config{Listen: []ListenConfig{{Transport: TLS, Addr: "127.0.0.1:0", TLS: &tls.Config{Certificates: []tls.Certificate{server}}}}}, in.handle)
	at := n.Listeners()[0].Addr
	silent, err := net.Dial("tcp", at.String()) // never says hello
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c, err := tls.Dial("tcp", at.String(), &tls.Config{RootCAs: roots, ServerName: "pbx.test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(message(1))); err != nil {
		t.Fatal(err)
	}
	<-in.more
}

func TestN7_WebSocket(t *testing.T) {
	in := newInbox()
	n := start(t, Config{WebSocketOrigins: []string{"console.example.com"}}, in.handle)
	srv := httptest.NewServer(n.WebSocket())
	defer srv.Close()
	url := "ws" + strings.TrimPrefix(srv.URL, "http")
	open := func(origin string, protocols ...string) (*websocket.Conn, error) {
		c, res, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{
			Subprotocols: protocols, HTTPHeader: http.Header{"Origin": {origin}},
		})
		if err == nil && c.Subprotocol() != "sip" {
			_, _, err = c.Read(t.Context())
			if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
				t.Errorf("closed with %v", err)
			}
			return nil, errors.New("subprotocol refused")
		}
		_ = res // its body is the connection
		return c, err
	}
	if _, err := open("https://evil.example", "sip"); err == nil {
		t.Error("a foreign page was let in")
	}
	if _, err := open("https://console.example.com", "chat"); err == nil {
		t.Error("another subprotocol was let in")
	}
	c, err := open("https://console.example.com", "sip")
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(message(1))); err != nil {
		t.Fatal(err)
	}
	h := <-in.more
	diff(t, "transport", WS, h.flow.Transport())
	if err := h.flow.Send([]byte(message(2))); err != nil {
		t.Fatal(err)
	}
	if _, data, err := c.Read(t.Context()); err != nil || string(data) != message(2) {
		t.Errorf("received %q, %v", data, err)
	}
	if err := c.Write(t.Context(), websocket.MessageText, []byte("\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := c.Read(t.Context()); err != nil || string(data) != "\r\n" {
		t.Errorf("pong %q, %v", data, err)
	}
	lost := make(chan error, 1)
	h.flow.OnClose(func(err error) { lost <- err })
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Log("close:", err)
	}
	if err := <-lost; !errors.Is(err, ErrClosed) {
		t.Errorf("lost with %v", err)
	}
}

func TestN7_WebSocketEndsWithStop(t *testing.T) {
	in := newInbox()
	n := start(t, Config{}, in.handle)
	srv := httptest.NewServer(n.WebSocket())
	defer srv.Close()
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(srv.URL, "http"), &websocket.DialOptions{Subprotocols: []string{"sip"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(message(1))); err != nil {
		t.Fatal(err)
	}
	<-in.more
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Read(t.Context()); err == nil {
		t.Error("still open")
	}
}

func TestTrace_WithoutCredentials(t *testing.T) {
	var got []TraceRecord
	bubble(t, func(c *Config) { c.Trace = func(r TraceRecord) { got = append(got, r) } }, func(t *testing.T, r *rig) {
		p := siptest.NewPeer(t, r.wire, "10.0.0.2:5060")
		text := strings.Replace(message(1, "Authorization: Digest username=\"u\",\n response=\"secret1\"\nproxy-authorization : Digest secret2\nContent-Type: application/sdp\n"),
			"Content-Length: 0\r\n\r\n", siptest.CRLF("Content-Length: 71\n\nv=0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0Mw==|2^20\na=sendrecv\n"), 1)
		p.Send(here(), text)
		p.Send(here(), message(2, "Max-Forwards: x\n"))
		p.Response(400)
		if len(got) != 3 {
			t.Fatalf("%d records", len(got))
		}
		raw := string(got[0].Raw)
		if strings.Contains(raw, "secret") || strings.Contains(raw, "c2Vj") || strings.Count(raw, "…") != 3 || !strings.HasSuffix(raw, "a=sendrecv\r\n") {
			t.Errorf("raw:\n%s", raw)
		}
		got[0].Raw, got[0].At = nil, time.Time{}
		diff(t, "record", TraceRecord{
			Flow: "udp:10.0.0.1:5060-10.0.0.2:5060", Peer: "udp:10.0.0.2:5060", CallID: "c1",
			First: "OPTIONS sip:us@10.0.0.1 SIP/2.0", CSeq: "1 OPTIONS", HasSDP: true,
		}, got[0])
		broken := TraceRecord{}
		broken.fill([]byte("OPTIONS sip:x SIP/2.0\r\nAuthorization Digest response=\"secret\"\r\n\r\n"))
		diff(t, "broken credential", "OPTIONS sip:x SIP/2.0\r\n: …\r\n\r\n", string(broken.Raw))
		for text, want := range map[string]string{
			"no colon in \"Authorization Digest response=secret\"": "a header that cannot be read",
			strings.Repeat("x", 300):                               strings.Repeat("x", 200) + "…",
			"short":                                                "short",
		} {
			diff(t, "reason", want, publicReason(errors.New(text)))
		}
		if got[1].Reason == "" || got[1].Sent || !got[2].Sent || got[2].First != "SIP/2.0 400 Bad Request" {
			t.Errorf("refused %+v, answer %+v", got[1], got[2])
		}
	})
}

// TestListeners_RealTCP is the in-memory stream tests' counterpart on real
// sockets.
func TestListeners_RealTCP(t *testing.T) {
	in := newInbox()
	n := start(t, Config{Listen: []ListenConfig{{Transport: TCP, Addr: "127.0.0.1:0"}, {Transport: UDP, Addr: "127.0.0.1:0"}}}, in.handle)
	c, err := net.Dial("tcp", n.Listeners()[0].Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(message(1) + message(2))); err != nil {
		t.Fatal(err)
	}
	first, second := <-in.more, <-in.more
	if first.flow != second.flow || second.msg.(*sip.Request).CallID().Value() != "c2" {
		t.Error("not one flow, or out of order")
	}
	lost := make(chan error, 1)
	first.flow.OnClose(func(err error) { lost <- err })
	c.Close()
	<-lost
}
