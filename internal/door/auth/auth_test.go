package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func setup(t *testing.T) (*Keys, string) {
	t.Helper()
	key := NewKey("crm_eu")
	k, err := NewKeys([]Entry{{Name: "crm_eu", Hash: Hash(key), Account: "sales", Scopes: []Scope{CallsRead}}})
	if err != nil {
		t.Fatal(err)
	}
	return k, key
}

func TestCheck(t *testing.T) {
	k, key := setup(t)
	p, err := k.Check(t.Context(), key, "192.0.2.1")
	if err != nil || p.Name != "crm_eu" || p.Account != "sales" || !p.Can(CallsRead) || p.Can(CallsWrite) || p.IsAdmin() {
		t.Errorf("right key: %+v, %v", p, err)
	}
	if _, err := k.Check(t.Context(), "", "192.0.2.1"); !errors.Is(err, ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
	for _, wrong := range []string{"x", "dw_", "dw_crm_eu_", key + "x", "dw_other_" + strings.Repeat("A", 26), strings.Repeat("dw_", 200)} {
		if _, err := k.Check(t.Context(), wrong, "192.0.2.1"); !errors.Is(err, ErrWrongKey) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// A key that was right is not hashed again: with all hash tokens taken it is
// still accepted, and a new one has to wait.
func TestRightKeyIsRemembered(t *testing.T) {
	k, key := setup(t)
	if _, err := k.Check(t.Context(), key, ""); err != nil {
		t.Fatal(err)
	}
	for range hashesAt {
		k.hashes <- struct{}{}
	}
	if _, err := k.Check(t.Context(), key, ""); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Check(ctx, key+"x", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("with no hash token free: %v", err)
	}
}

func TestReplaceForgetsRevokedKeys(t *testing.T) {
	k, key := setup(t)
	if _, err := k.Check(t.Context(), key, ""); err != nil {
		t.Fatal(err)
	}
	if err := k.Replace([]Entry{{Name: "crm_eu", Hash: Hash("another")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Check(t.Context(), key, ""); !errors.Is(err, ErrWrongKey) {
		t.Errorf("revoked key: %v", err)
	}
	if err := k.Replace([]Entry{{Name: "bad", Hash: "plain"}}); !errors.Is(err, ErrHash) {
		t.Errorf("unreadable hash: %v", err)
	}
}

func TestWrongKeysAreThrottledByAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, key := setup(t)
		for range failureBurst {
			k.throttle.Failed("192.0.2.1")
		}
		if _, err := k.Check(t.Context(), key, "192.0.2.1"); !errors.Is(err, ErrThrottled) {
			t.Errorf("throttled address: %v", err)
		}
		if _, err := k.Check(t.Context(), key, "192.0.2.2"); err != nil {
			t.Errorf("another address: %v", err)
		}
		<-time.After(time.Minute) // fake time of the bubble
		if _, err := k.Check(t.Context(), key, "192.0.2.1"); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		for i := range 2 * failureSlots {
			k.throttle.Failed(strings.Repeat("x", i%7) + string(rune(i)))
		}
		if len(k.throttle.failures) > failureSlots {
			t.Errorf("%d addresses are remembered", len(k.throttle.failures))
		}
	})
}

func FuzzHash(f *testing.F) {
	f.Add(Hash("x"))
	f.Add("$argon2id$v=19$m=4294967295,t=9,p=255$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHash(s)
		if err == nil && (h.memory > maxMemory || h.passes > maxPasses || len(h.sum) > 128) {
			t.Errorf("accepted cost %+v", h)
		}
	})
}
