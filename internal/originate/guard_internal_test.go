package originate

import (
	"fmt"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// However many addresses knock, the buckets keep to their bound, and those in use stay.
func TestBucketsAreBounded(t *testing.T) {
	b := newBuckets(100)
	now := time.Now()
	r := Rate{PerSecond: 0.001, Burst: 1}
	if _, ok := b.take("regular", r, now); !ok {
		t.Fatal("first token refused")
	}
	for i := range 10_000 {
		b.take(fmt.Sprint("stranger ", i), r, now)
		if _, ok := b.take("regular", r, now); ok {
			t.Fatalf("the regular's bucket was forgotten after %d strangers", i)
		}
	}
	if len(b.byKey) != 100 || b.used.Len() != 100 {
		t.Errorf("%d buckets, %d in order; want 100", len(b.byKey), b.used.Len())
	}
	if wait, ok := b.take("regular", Rate{PerSecond: 5}, now); !ok || wait != 0 {
		t.Error("a new rate does not begin with a full bucket")
	}
}

func TestRemoteHost(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:5": "192.0.2.1", "[2001:db8::1]:5": "2001:db8::1", "192.0.2.1": "192.0.2.1", "": "",
	} {
		if got := remoteHost(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestLocalContext(t *testing.T) {
	for in, want := range map[string]string{"5@ctx": "ctx", "5@ctx/n": "ctx", "5": "default", "5@": "default"} {
		c := "Local/" + in
		if got := localContext(call.Endpoint(c)); got != want {
			t.Errorf("%s: %q, want %q", c, got, want)
		}
	}
}
