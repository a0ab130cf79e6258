package vodia

import "net/http"

// link answers /remote_call.htm; link.go is about to.
func (x *exchange) link() { http.NotFound(x.w, x.r) }

// calls answers /rest/user/…/calls; calls.go is about to.
func (x *exchange) calls(account, id string) { http.NotFound(x.w, x.r) }
