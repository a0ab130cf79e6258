package switchvox_test

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/switchvox"
)

// TestRush: of passwords that are tried at once no more are looked at than one after the other
// (spec: switchvox R8), and the right one is not told among them.
func TestRush(t *testing.T) {
	h := newHouse(t)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			got, err := h.ask(t.Context(), http.MethodPost, "/json", body("switchvox.info.getSoftwareVersion", ""), func(r *http.Request) { r.SetBasicAuth("admin", "wrong") })
			if err != nil || got.status != http.StatusForbidden {
				t.Errorf("%d, %v", got.status, err)
			}
		})
	}
	all.Wait()
	if n := len(h.denials()); n != 10 {
		t.Errorf("%d wrong passwords were looked at, want 10", n)
	}
}

// TestDedupeAccounts: two accounts that share one of the guard are shown as different callers, so
// their calls are two.
func TestDedupeAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ben := directory.Record{User: directory.User{Name: directory.Name{Local: "199"}, Role: directory.RoleUser, FirstName: "Ben", ID: "1999", Type: "virtual", Account: "1106"}}
		h := bareHouse(t, ben)
		h.conf.Dedupe, h.rings = true, "180?ring=2s"
		var all sync.WaitGroup
		for _, account := range []string{"1106", "1999", "1106"} {
			all.Go(func() {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/json", strings.NewReader(body("switchvox.call", `"dial_first":"101","dial_second":"301","dial_as_account_id":"`+account+`"`)))
				r.RemoteAddr = "127.0.0.1:4711"
				as("admin")(r)
				h.door.ServeHTTP(httptest.NewRecorder(), r)
			})
		}
		all.Wait()
		if n := len(h.taken()); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
	})
}

// limited is a writer that knows until when its connection is read.
type limited struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func (l *limited) SetReadDeadline(at time.Time) error  { l.read = at; return nil }
func (l *limited) SetWriteDeadline(at time.Time) error { l.write = at; return nil }

// slow are records that take long to be read.
type slow struct {
	*house
	w *limited
}

func (s slow) Records(context.Context, time.Time, time.Time) iter.Seq2[call.CDR, error] {
	return func(func(call.CDR, error) bool) {
		if at := time.Now().Add(30 * time.Second); s.w.read.Before(at) || s.w.write.Before(at) {
			s.Errorf("the connection ends at %v and %v, while records may be read until %v", s.w.read, s.w.write, at)
		}
	}
}

// TestSlowRecords: the time for a body to come in is not the time for its answer to be found; a
// connection whose time to be read ends counts as one whose client has gone.
func TestSlowRecords(t *testing.T) {
	h := bareHouse(t)
	w := &limited{ResponseRecorder: httptest.NewRecorder()}
	d := switchvox.New(switchvox.Options{
		Users: h.users, Originator: slow{h, w}, Calls: h, Destination: destination, Identity: identity, Log: slog.New(slog.DiscardHandler), Ready: func() error { return nil },
		Config: func() *switchvox.Config { c := config(); return &c },
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/json", strings.NewReader(body("switchvox.callLogs.search", "")))
	r.RemoteAddr = "127.0.0.1:4711"
	as("admin")(r)
	d.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.Len() == 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestDedupeGone: who gives up and asks again finds the first phone ringing, and has the answer of
// the first call (spec: switchvox 6.2).
func TestDedupeGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := bareHouse(t)
		h.conf.Dedupe, h.rings = true, "180?ring=8s"
		ask := func(patience time.Duration) *httptest.ResponseRecorder {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/json", strings.NewReader(dial("301", "")))
			r.RemoteAddr = "127.0.0.1:4711"
			as("admin")(r)
			w := httptest.NewRecorder()
			h.door.ServeHTTP(w, r)
			return w
		}
		ask(time.Second)
		w := ask(time.Minute)
		if n := len(h.taken()); n != 1 || !strings.Contains(w.Body.String(), `"result":`) {
			t.Errorf("%d calls, want 1; %s", n, w.Body)
		}
		ask(time.Minute) // it rings no more
		if n := len(h.taken()); n != 1 {
			t.Errorf("%d calls, want another", n)
		}
	})
}
