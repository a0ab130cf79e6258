package auth

import (
	"testing"
	"time"
)

func TestNonces(t *testing.T) {
	n := NewNonces()
	made := time.Unix(1_700_000_000, 0)
	const life = 24 * time.Hour
	nonce := n.Make("r", "192.0.2.1", made)
	for _, c := range []struct {
		name, nonce, realm, addr string
		at                       time.Time
		want                     bool
	}{
		{"at once", nonce, "r", "192.0.2.1", made, true},
		{"a day later", nonce, "r", "192.0.2.1", made.Add(life), true},
		{"too late", nonce, "r", "192.0.2.1", made.Add(life + 1), false},
		{"before it was made", nonce, "r", "192.0.2.1", made.Add(-1), false},
		{"another realm", nonce, "s", "192.0.2.1", made, false},
		{"another address", nonce, "r", "192.0.2.2", made, false},
		{"somebody else's", NewNonces().Make("r", "192.0.2.1", made), "r", "192.0.2.1", made, false},
		{"empty", "", "r", "192.0.2.1", made, false},
		{"changed", nonce[:len(nonce)-2] + "AA", "r", "192.0.2.1", made, false},
		{"longer", nonce + "A", "r", "192.0.2.1", made, false},
		{"not base64", "expired", "r", "192.0.2.1", made, false},
	} {
		if got := n.Check(c.nonce, c.realm, c.addr, c.at, life); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	for i, c := range []struct {
		nc   uint32
		want bool
	}{{1, true}, {1, false}, {0, false}, {3, true}, {2, false}, {4, true}, {1 << 31, true}, {4, false}} {
		if got := n.Count(nonce, "r", "192.0.2.1", c.nc); got != c.want {
			t.Errorf("%d: nc %d: %v", i, c.nc, got)
		}
	}
	if n.Count(nonce, "r", "192.0.2.2", 1<<31+1) {
		t.Error("another address counts")
	}
}

// However many log in, the memory is bounded, no count is taken twice, and new nonces are
// good.
func TestNoncesRememberLittle(t *testing.T) {
	n := NewNonces()
	made := time.Unix(1_700_000_000, 0)
	var all []string
	for i := range 3 * longSlots {
		nonce := n.Make("r", "a", made.Add(time.Duration(i)))
		all = append(all, nonce)
		if !n.Count(nonce, "r", "a", 1) {
			t.Fatalf("nonce %d is not taken", i)
		}
		if len(n.used) > longSlots {
			t.Fatalf("%d are remembered", len(n.used))
		}
	}
	for i, nonce := range all {
		if n.Count(nonce, "r", "a", 1) {
			t.Fatalf("nonce %d is taken twice", i)
		}
	}
	if !n.Count(all[len(all)-1], "r", "a", 2) {
		t.Error("the newest cannot be used again")
	}
	if n.Count(n.Make("r", "a", made), "r", "a", 1) {
		t.Error("an old one that was forgotten is taken")
	}
}
