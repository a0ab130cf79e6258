package console

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
)

// Who knows no password cannot fill the audit trail: not by wrong ones, nor by forms of pages
// that are not ours. Others are still told of.
func TestDenialsDoNotFillTheTrail(t *testing.T) {
	h := newHouse(t)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			h.do(request("POST", loginPath, form("user", "boss", "password", strconv.Itoa(i)), own...))
			h.do(request("POST", loginPath, form("user", "boss", "password", "x"), "Sec-Fetch-Site", "cross-site"))
			h.do(request("POST", oncePath+"AAAA", "", "Sec-Fetch-Site", "cross-site"))
		})
	}
	all.Wait()
	if n := len(h.audited()); n < 10 || n > 10+40 { // requests at the same time may each be told of
		t.Errorf("%d entries", n)
	}
	before := len(h.audited())
	for range 40 {
		h.do(request("POST", loginPath, form("user", "boss", "password", "x"), "Sec-Fetch-Site", "cross-site"))
	}
	if n := len(h.audited()) - before; n > 1 {
		t.Errorf("%d more entries", n)
	}
	before = len(h.audited())
	resp := h.do(request("POST", loginPath, form("user", "boss", "password", "x"), "remote", "192.0.2.7", "tls", "", "Sec-Fetch-Site", "cross-site"))
	if resp.StatusCode != http.StatusForbidden || len(h.audited()) == before {
		t.Errorf("another address: %d, %d entries", resp.StatusCode, len(h.audited()))
	}
}
