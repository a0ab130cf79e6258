package ari
type outbounds struct{}
func newOutbounds(*Server) *outbounds { return &outbounds{} }
func (*outbounds) start() {}
func (*outbounds) stop() {}
