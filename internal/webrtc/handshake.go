package webrtc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha256" // for crypto.Hash
	_ "crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"

	"github.com/pion/dtls/v3"

	"github.com/dialwright/dialwright/internal/media"
)

// Peer is what the browser's session description says.
type Peer struct {
	Fingerprints []string // of its certificate: "sha-256 4A:AD:…" in upper-case hex; any may match
	Client       bool     // we open the DTLS association; else the browser does
}

// errFingerprint: another certificate than the one that was announced.
var errFingerprint = errors.New("the certificate is not the one that the session description names")

// newCertificate makes our certificate and its fingerprint. Nobody checks
// more of it than that (RFC 5763 §5).
func newCertificate() (tls.Certificate, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, "", err
	}
	now := time.Now()
	t := &x509.Certificate{SerialNumber: serial, NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(10, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, fingerprint("sha-256", der), nil
}

// fingerprint of a certificate; "" for a hash that is not known.
func fingerprint(hash string, der []byte) string {
	known := map[string]crypto.Hash{"sha-256": crypto.SHA256, "sha-384": crypto.SHA384, "sha-512": crypto.SHA512}
	h, ok := known[hash]
	if !ok {
		return ""
	}
	w := h.New()
	w.Write(der)
	pairs := make([]string, 0, h.Size())
	for _, b := range w.Sum(nil) {
		pairs = append(pairs, fmt.Sprintf("%02X", b))
	}
	return hash + " " + strings.Join(pairs, ":")
}

// matches checks the browser's certificate (RFC 8122 §6.2).
func (p Peer) matches(certs [][]byte) error {
	if len(certs) == 0 {
		return errFingerprint
	}
	for _, want := range p.Fingerprints {
		hash, _, _ := strings.Cut(want, " ")
		if want == fingerprint(hash, certs[0]) {
			return nil
		}
	}
	return errFingerprint
}

// Connect waits for the browser, makes the keys, and calls done once from a
// goroutine of its own: with the keys, or with an *Error when the time is over
// or the browser is not who it should be. It is not called for a Conn that is
// closed before. Connecting a second time is refused: a leg has one association.
func (c *Conn) Connect(p Peer, done func(*media.SRTPKeys, error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return ErrClosed
	}
	if c.begun {
		return errors.New("webrtc: connected already")
	}
	c.begun = true
	c.s.wg.Go(func() {
		defer c.s.guard()
		c.connect(p, done)
	})
	return nil
}

func (c *Conn) connect(p Peer, done func(*media.SRTPKeys, error)) {
	keys, session, err := c.handshake(p)
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		if session != nil {
			_ = session.Close() // the leg has ended meanwhile
		}
		return
	}
	if err == nil {
		c.session = session
		c.peer = c.way.Load().to
	}
	c.mu.Unlock()
	if err != nil {
		if session != nil {
			_ = session.Close() // it has failed already
		}
		c.s.failed(err.Reason)
		done(nil, err)
		return
	}
	c.s.counts.connected.Add(1)
	c.limit.Store(int64(c.s.cfg.Consent))
	done(keys, nil)
	c.watch(session)
}

// handshake is ICE's first word, then DTLS.
func (c *Conn) handshake(p Peer) (*media.SRTPKeys, *dtls.Conn, *Error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.s.cfg.Connect) // Close ends it, nobody's request does
	defer cancel()
	go func() {
		select {
		case <-c.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	select {
	case <-c.reached:
	case <-ctx.Done():
		return nil, nil, &Error{Reason: NoPath, Text: "the browser's media did not connect: no connectivity check has come from it; " +
			"its network or a firewall may not let UDP through to the server's webrtc port"}
	}
	session, err := c.associate(p)
	if err == nil {
		err = session.HandshakeContext(ctx)
	}
	switch {
	case errors.Is(err, errFingerprint):
		return nil, session, &Error{Reason: Impostor, Text: "the browser's media did not connect", Err: errFingerprint}
	case err != nil && !c.way.Load().nominated:
		return nil, session, &Error{Reason: NoPath, Text: "the browser's media did not connect: it has chosen no way to the server"}
	case err != nil:
		return nil, session, &Error{Reason: NoHandshake, Text: "the browser's media did not connect: the DTLS handshake failed", Err: err}
	}
	keys, err := exportKeys(session, p.Client)
	if err != nil {
		return nil, session, &Error{Reason: NoHandshake, Text: "the browser's media did not connect: no SRTP keys", Err: err}
	}
	return keys, session, nil
}

// suites are the SRTP profiles that we take, the best first (RFC 5764 §4.1.2, RFC 7714 §14.2).
var suites = map[dtls.SRTPProtectionProfile]struct {
	name      string
	key, salt int
}{
	dtls.SRTP_AEAD_AES_128_GCM:       {"AEAD_AES_128_GCM", 16, 12},
	dtls.SRTP_AES128_CM_HMAC_SHA1_80: {"AES_CM_128_HMAC_SHA1_80", 16, 14},
}

// associate prepares our end of the DTLS association.
func (c *Conn) associate(p Peer) (*dtls.Conn, error) {
	common := []dtls.Option{
		dtls.WithCertificates(c.s.cert),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret), // RFC 8827 §6.5
		dtls.WithInsecureSkipVerify(true),                               // the fingerprint is the proof
		dtls.WithVerifyPeerCertificate(func(raw [][]byte, _ [][]*x509.Certificate) error { return p.matches(raw) }),
	}
	to := net.UDPAddrFromAddrPort(c.way.Load().to)
	if p.Client {
		opts := make([]dtls.ClientOption, len(common))
		for i, o := range common {
			opts[i] = o
		}
		return dtls.ClientWithOptions(record{c}, to, opts...)
	}
	opts := []dtls.ServerOption{
		dtls.WithClientAuth(dtls.RequireAnyClientCert),
		// The cookie proves an address (RFC 6347 §4.2.1); the connectivity check has.
		dtls.WithInsecureSkipVerifyHello(true),
	}
	for _, o := range common {
		opts = append(opts, o)
	}
	return dtls.ServerWithOptions(record{c}, to, opts...)
}

// exportKeys makes the SRTP keys (RFC 5764 §4.2):
//
//	client_write_key | server_write_key | client_write_salt | server_write_salt
func exportKeys(session *dtls.Conn, client bool) (*media.SRTPKeys, error) {
	profile, ok := session.SelectedSRTPProtectionProfile()
	suite, known := suites[profile]
	if !ok || !known {
		return nil, errors.New("no SRTP profile in common")
	}
	state, ok := session.ConnectionState()
	if !ok {
		return nil, errors.New("the handshake has no state")
	}
	b, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(suite.key+suite.salt))
	if err != nil {
		return nil, err
	}
	part := func(n int) []byte {
		out := b[:n:n]
		b = b[n:]
		return out
	}
	ours, theirs := part(suite.key), part(suite.key)
	ours, theirs = append(ours, part(suite.salt)...), append(theirs, part(suite.salt)...)
	if !client {
		ours, theirs = theirs, ours
	}
	return &media.SRTPKeys{Suite: suite.name, Local: ours, Remote: theirs}, nil
}

// watch reads what comes over the association: nothing but its end.
func (c *Conn) watch(session *dtls.Conn) {
	b := make([]byte, maxDatagram)
	for {
		if _, err := session.Read(b); err != nil {
			c.lost(&Error{Reason: Gone, Text: "the browser has closed its media"})
			return
		}
	}
}

// record is what the DTLS association runs on.
type record struct{ c *Conn }

func (r record) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := r.c.dtls.Read(b)
	return n, r.addr(), err
}

func (r record) addr() net.Addr { return net.UDPAddrFromAddrPort(r.c.way.Load().to) }

func (r record) WriteTo(b []byte, _ net.Addr) (int, error) { return r.c.send(b) }
func (r record) Close() error                              { return r.c.dtls.Close() }
func (r record) LocalAddr() net.Addr                       { return r.c.LocalAddr() }
func (r record) SetDeadline(t time.Time) error             { return r.c.dtls.SetReadDeadline(t) }
func (r record) SetReadDeadline(t time.Time) error         { return r.c.dtls.SetReadDeadline(t) }
func (r record) SetWriteDeadline(time.Time) error          { return nil }
