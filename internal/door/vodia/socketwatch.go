package vodia

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/usercall"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// Bounds of what a socket watches.
const (
	maxLamps  = 200                    // extensions
	longestN  = 64                     // bytes of an extension
	tenantGap = 250 * time.Millisecond // between two looks at all calls of a tenant
)

// watches are what a client wants to be told of.
type watches struct {
	k *socket

	mu      sync.Mutex // guards what follows
	calls   *watch     // the user's own, nil = none
	all     func()     // ends the watch of the tenant, nil = there is none
	lamp    map[string]*watch
	waiting atomic.Bool // the tenant is looked at soon
}

// watch is one of a phone.
type watch struct {
	phone string
	stop  func()
}

// watchPhone has f called when the calls of a phone change; of "" never, which for the table
// means all phones.
func (d *Door) watchPhone(phone string, f func()) *watch {
	if phone == "" {
		return &watch{stop: func() {}}
	}
	return &watch{phone, d.o.Calls.Watch(phone, f)}
}

// own begins or ends to tell the user's calls. tell says that they are told at once even if
// they are told already.
func (w *watches) own(u *directory.User, on, tell bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !on {
		if w.calls != nil {
			w.calls.stop()
			w.calls = nil
		}
		return
	}
	if w.calls == nil {
		w.watchOwn(u)
		tell = true
	}
	if tell {
		w.k.board.change(func(d *due) { d.anyway = true })
	}
}

// watchOwn watches the user's phone. w.mu is held.
func (w *watches) watchOwn(u *directory.User) {
	w.calls = w.k.d.watchPhone(u.Phone, func() {
		w.k.board.change(func(d *due) { d.calls = true })
	})
}

// tenant begins or ends to tell all calls of the tenant.
func (w *watches) tenant(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all != nil {
		w.all()
		w.all = nil
	}
	if !on {
		return
	}
	w.all = w.k.d.o.Calls.Watch("", w.soon)
	w.k.board.change(func(d *due) { d.tenant, d.anew = true, true })
}

// soon has the tenant looked at in a moment: there may be many calls, and many changes.
func (w *watches) soon() {
	if !w.waiting.CompareAndSwap(false, true) {
		return
	}
	time.AfterFunc(tenantGap, func() {
		w.waiting.Store(false)
		w.k.board.change(func(d *due) { d.tenant = true })
	})
}

// lamps watches extensions of the tenant, and ends that. Each that is added is told at once,
// those too that come before one that is refused.
func (w *watches) lamps(add, remove []string) *failure {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.k.board.change(func(d *due) { d.lamps = true })
	for _, n := range remove {
		if l := w.lamp[n]; l != nil {
			l.stop()
			delete(w.lamp, n)
		}
	}
	for _, n := range add {
		if w.lamp[n] != nil {
			continue
		}
		if len(n) > longestN {
			return fail(http.StatusBadRequest, "lamps", "An extension is too long.")
		}
		if len(w.lamp) >= maxLamps {
			return fail(http.StatusTooManyRequests, "lamps", "Too many extensions are watched.")
		}
		if w.lamp == nil {
			w.lamp = map[string]*watch{}
		}
		w.lamp[n] = w.watchLamp(w.phoneOf(n))
	}
	return nil
}

func (w *watches) watchLamp(phone string) *watch {
	return w.k.d.watchPhone(phone, func() {
		w.k.board.change(func(d *due) { d.lamps = true })
	})
}

// phoneOf gives the phone of an extension of the tenant, "" = none.
func (w *watches) phoneOf(extension string) string {
	u, ok := w.k.d.o.Users.User(directory.Name{Local: extension, Tenant: w.k.name.Tenant})
	if !ok || u.Disabled {
		return ""
	}
	return u.Phone
}

// follow watches the phones that users have now, if those are others than before, and has
// those looked at that may have registered.
func (w *watches) follow(u *directory.User) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls != nil && w.calls.phone != u.Phone {
		w.calls.stop()
		w.watchOwn(u)
		w.k.board.change(func(d *due) { d.calls = true })
	}
	for n, l := range w.lamp {
		if phone := w.phoneOf(n); phone != l.phone {
			l.stop()
			w.lamp[n] = w.watchLamp(phone)
		}
	}
	if lamps, tenant := len(w.lamp) > 0, w.all != nil; lamps || tenant {
		w.k.board.change(func(d *due) { d.lamps, d.tenant = d.lamps || lamps, d.tenant || tenant })
	}
}

// stop ends all watches.
func (w *watches) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls != nil {
		w.calls.stop()
	}
	if w.all != nil {
		w.all()
	}
	for _, l := range w.lamp {
		l.stop()
	}
	w.calls, w.all, w.lamp = nil, nil, nil
}

// watched gives the extensions whose lamps are lit, with their phones; nil if there are none.
func (w *watches) watched() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make(map[string]string, len(w.lamp))
	for n, l := range w.lamp {
		out[n] = l.phone
	}
	return out
}

// wholeTenant says whether the tenant is watched.
func (w *watches) wholeTenant() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all != nil
}

// sendLamps sends the lamps that are new or have changed.
func (k *socket) sendLamps(d *due) error {
	if !d.lamps {
		return nil
	}
	before := k.view.lamps
	k.view.lamps = map[string]string{}
	for n, phone := range k.watches.watched() {
		state := k.d.lampState(phone)
		k.view.lamps[n] = state
		if before[n] == state {
			continue
		}
		if err := k.send(wire.LampState{Account: n, State: state}); err != nil {
			return err
		}
	}
	return nil
}

// lampState is what the lamp of a phone shows.
func (d *Door) lampState(phone string) string {
	state := "idle"
	switch list := d.callsOf(phone); {
	case phone == "" || len(list) == 0 && !d.registered(phone):
		return "offline"
	case len(list) > 0:
		state = "ringing"
		for i := range list {
			if list[i].State != usercall.Alerting {
				state = "busy"
			}
		}
	}
	return state
}

// registered says whether a phone can be reached.
func (d *Door) registered(phone string) bool {
	return phone != "" && (d.o.Registered == nil || d.o.Registered(phone))
}

// sendTenant sends the accounts of the tenant that are new or have changed, with their calls,
// to an administrator. It has no list of all calls to send: that would be a call-state, which
// is the user's own.
func (k *socket) sendTenant(d *due, by *asker) error {
	if !d.tenant || !k.watches.wholeTenant() || by.user.Role == directory.RoleUser {
		return nil
	}
	before := k.view.accounts
	if d.anew {
		before = nil
	}
	k.view.accounts = map[string][sha256.Size]byte{}
	for _, u := range k.accounts() {
		text := wire.Encode(wire.UserState{
			Account: u.Name.Local, Name: u.Display(), Registered: k.d.registered(u.Phone), Calls: k.d.callObjects(&u),
		})
		sum := sha256.Sum256(text)
		k.view.accounts[u.Name.Local] = sum
		if before[u.Name.Local] == sum {
			continue
		}
		if err := k.write(text); err != nil {
			return err
		}
	}
	return nil
}

// sendUsers lists the accounts of the tenant.
func (k *socket) sendUsers(d *due) error {
	if !d.users {
		return nil
	}
	var out wire.DomainState
	for _, u := range k.accounts() {
		out.Accounts = append(out.Accounts, wire.Account{Account: u.Name.Local, Name: u.Display(), Registered: k.d.registered(u.Phone)})
	}
	return k.send(out)
}

// accounts gives the users of the tenant that have a phone.
func (k *socket) accounts() (list []directory.User) {
	for _, u := range k.d.o.Users.Users() {
		if u.Name.Tenant == k.name.Tenant && u.Phone != "" && !u.Disabled {
			list = append(list, u)
		}
	}
	return list
}
