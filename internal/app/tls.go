package app

import (
	"crypto/tls"
	"net"
)

// newTLSListener serves HTTP/1.1 over TLS: WebSockets need it, and streams
// behave the same with and without TLS.
func newTLSListener(l net.Listener, c *tls.Config) net.Listener {
	c.NextProtos = []string{"http/1.1"}
	return tls.NewListener(l, c)
}
