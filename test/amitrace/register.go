package amitrace

import (
	"bytes"
	"crypto/md5" //nolint:gosec // SIP's digest is MD5 (RFC 3261 §22.4)
	"fmt"
	"net"
	"regexp"
	"testing"
	"time"
)

// Register registers the phones at a server of ours, each from where it is: before
// StartPhones, whose port it needs for a moment.
func (l Lab) Register(t testing.TB) {
	t.Helper()
	for _, at := range []struct {
		port  int
		names []string
	}{
		{l.Phone, []string{"alice", "bob", "carol", "dave", "erin", "gina", "hank", "iris"}},
		{l.Nobody, []string{"jack"}},
	} {
		conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: at.port}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: l.SIP})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range at.names {
			if err := l.register(conn, name); err != nil {
				t.Fatalf("register %s: %v", name, err)
			}
		}
		conn.Close()
	}
}

var challenge = regexp.MustCompile(`(realm|nonce)="([^"]*)"`)

// register sends REGISTER twice: to be challenged, and with the answer to the challenge.
func (l Lab) register(conn *net.UDPConn, name string) error {
	login, uri := "", fmt.Sprintf("sip:127.0.0.1:%d", l.SIP)
	for cseq := 1; ; cseq++ {
		_, err := fmt.Fprintf(conn, "REGISTER %[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bK%[3]s%[4]d;rport\r\nFrom: <sip:%[3]s@127.0.0.1>;tag=%[3]s\r\nTo: <sip:%[3]s@127.0.0.1>\r\n"+
			"Call-ID: register-%[3]s\r\nCSeq: %[4]d REGISTER\r\nMax-Forwards: 70\r\nContact: <%[5]s>\r\nExpires: 3600\r\n%[6]sContent-Length: 0\r\n\r\n",
			uri, conn.LocalAddr(), name, cseq, l.contact(name), login)
		if err != nil {
			return err
		}
		answer := make([]byte, 4096)
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			return err
		}
		n, err := conn.Read(answer)
		if err != nil {
			return err
		}
		answer = answer[:n]
		switch {
		case bytes.HasPrefix(answer, []byte("SIP/2.0 200")):
			return nil
		case !bytes.HasPrefix(answer, []byte("SIP/2.0 401")) || cseq > 1:
			return fmt.Errorf("answered with %.60s", answer)
		}
		values := map[string]string{}
		for _, m := range challenge.FindAllSubmatch(answer, -1) {
			values[string(m[1])] = string(m[2])
		}
		login = digest(name, values["realm"], values["nonce"], uri)
	}
}

// digest is the header that answers a challenge without qop or with qop=auth.
func digest(name, realm, nonce, uri string) string {
	sum := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) } //nolint:gosec // as above
	a1, a2 := sum(name+":"+realm+":"+phonePassword), sum("REGISTER:"+uri)
	return fmt.Sprintf("Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", qop=auth, nc=00000001, cnonce=\"1\", algorithm=MD5, response=\"%s\"\r\n",
		name, realm, nonce, uri, sum(a1+":"+nonce+":00000001:1:auth:"+a2))
}
