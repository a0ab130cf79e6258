package ami

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate makes one for a name.
func writeCertificate(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := newLab(t, func(_ *Options, c *Config) {
		c.TLSListen, c.AuthTimeout = "127.0.0.1:0", time.Second
		c.TLSCert, c.TLSKey = writeCertificate(t, dir, "one.test")
	})
	if err := l.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	dial := func(versions uint16) (*tls.Conn, error) {
		return tls.Dial("tcp", l.server.Addrs()[0].String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: versions}) // it is our own
	}
	conn, err := dial(0)
	if err != nil {
		t.Fatal(err)
	}
	u := newUser(t, conn)
	u.banner()
	u.enter("tracer", "tracepw", "user")
	for range 200 {
		l.happen(strings.Repeat("x", 1000))
	}
	for range 200 {
		u.want("Event: UserEvent", "Privilege: user,all", "UserEvent: "+strings.Repeat("x", 1000))
	}
	if name := conn.ConnectionState().PeerCertificates[0].DNSNames[0]; name != "one.test" {
		t.Error(name)
	}
	if _, err := dial(tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	writeCertificate(t, dir, "two.test")
	if err := l.server.Reload(); err != nil {
		t.Fatal(err)
	}
	if conn, err = dial(0); err != nil || conn.ConnectionState().PeerCertificates[0].DNSNames[0] != "two.test" {
		t.Errorf("%v: the certificate is not read again", err)
	}
	_ = conn.Close()
	plain := l.connect() // says nothing, or no TLS
	plain.ended()
	u.say("Action: Logoff")
	u.want("Response: Goodbye", "Message: Thanks for all the fish.")
	u.ended()
	if err := os.Remove(l.config.Load().TLSKey); err != nil {
		t.Fatal(err)
	}
	if err := l.server.Reload(); err == nil {
		t.Error("a missing key is not an error")
	}
}

func TestStartFails(t *testing.T) {
	l := listening(t, nil)
	for _, change := range []func(*Config){
		func(c *Config) { c.Listen = l.server.Addrs()[0].String() },
		func(c *Config) { c.Listen, c.TLSListen, c.TLSCert = "127.0.0.1:0", "127.0.0.1:0", "nowhere" },
	} {
		bad := newLab(t, func(_ *Options, c *Config) { change(c) })
		if err := bad.server.Start(t.Context()); err == nil || len(bad.server.Addrs()) != 0 {
			t.Errorf("%v, listening on %v", err, bad.server.Addrs())
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a door without anything")
	}
}
