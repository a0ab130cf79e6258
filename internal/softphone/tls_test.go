package softphone

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// certificate makes one for 127.0.0.1, and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestTLSPhoneIsReachedOverItsConnection registers over TLS and is then rung on
// the connection that it opened: it listens nowhere.
func TestTLSPhoneIsReachedOverItsConnection(t *testing.T) {
	cert, pool := certificate(t)
	r := startRegistrarOn(t, sipnet.ListenConfig{
		Transport: sipnet.TLS, Addr: "127.0.0.1:0", TLS: &tls.Config{Certificates: []tls.Certificate{cert}},
	})
	p := start(t, Config{
		User: "101", Password: "secret-101", Server: r.addr, Transport: "tls", TLS: &tls.Config{RootCAs: pool},
		SRTP: "required", Rule: Rule{Action: Ring},
	})
	must(t, p.WaitRegistered(limited(t)))
	b := r.agent.Registrar().Lookup("101")[0]
	if !b.Flow.Secure() {
		t.Error("not encrypted")
	}
	rang := make(chan struct{})
	c, err := r.agent.Invite(ua.InviteOptions{
		Target: b.Contact, Flow: b.Flow, From: ua.Identity{User: "999"},
		SDP: []byte("v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n"),
		Events: func(e ua.Event) {
			if e.Kind == ua.EventRinging {
				close(rang)
			}
		},
	})
	must(t, err)
	<-rang
	c.Hangup(cause.NormalClearing)
}
