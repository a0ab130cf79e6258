package conference

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"

	"github.com/dialwright/dialwright/internal/pbx"
)

// Options of Rooms.
type Options struct {
	Switch  *pbx.Switch
	Log     *slog.Logger // nil: nothing is logged
	Dir     string       // of recordings; "" = conferences are not recorded
	Outside bool         // record_file may lie elsewhere
}

// Rooms is the register of the conferences of one switch. It is safe
// concurrently.
type Rooms struct {
	o   Options
	log *slog.Logger

	mu    sync.Mutex // guards rooms; taken before Room.mu
	rooms map[string]*room
}

// New makes an empty register.
func New(o Options) *Rooms {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Rooms{o: o, log: o.Log, rooms: make(map[string]*room)}
}

// Info is a room at one moment.
type Info struct {
	Name    string
	Bridge  string // id of its bridge
	Parties int    // everybody, also who waits for a marked user
	Admins  int
	Marked  int
	Locked  bool // only admins may enter
	Muted   bool // an admin has muted the participants
}

// Info gives a room by its exact name, false if there is none.
func (r *Rooms) Info(name string) (Info, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.rooms[name]
	if !ok {
		return Info{Name: name}, false
	}
	return m.info(), true
}

// List gives every room, sorted by name.
func (r *Rooms) List() []Info {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Info, 0, len(r.rooms))
	for _, m := range r.rooms {
		out = append(out, m.info())
	}
	slices.SortFunc(out, func(a, b Info) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Lock lets only admins enter from now on, or everybody again. False if there
// is no such room.
func (r *Rooms) Lock(name string, on bool) bool {
	return r.with(name, func(m *room) { m.setLocked(on) })
}

// Kick takes a channel, by its id, out of a room; "all", "admins" and
// "participants" (all others) are groups. False if there is nobody to kick.
func (r *Rooms) Kick(name, channel string) bool {
	found := false
	r.with(name, func(m *room) {
		for _, u := range m.list() {
			if u.meant(channel) {
				u.stop(errKicked)
				found = true
			}
		}
	})
	return found
}

// meant says whether the user is meant by a channel's id or the name of a group.
func (u *user) meant(by string) bool {
	switch by {
	case "all":
		return true
	case "admins":
		return u.p.Admin
	case "participants":
		return !u.p.Admin
	}
	return u.c.ID() == by
}

// Mute mutes a channel, by its id, or lets it be heard again; "all" means
// everybody but admins. False if there is nobody to mute.
func (r *Rooms) Mute(name, channel string, on bool) bool {
	found := false
	r.with(name, func(m *room) {
		for _, u := range m.list() {
			if channel == "all" && !u.p.Admin || u.c.ID() == channel {
				m.mute(u, on)
				found = true
			}
		}
	})
	return found
}

func (r *Rooms) with(name string, f func(*room)) bool {
	r.mu.Lock()
	m, ok := r.rooms[name]
	r.mu.Unlock()
	if ok {
		f(m)
	}
	return ok
}

// join takes u into the room of a name, which it makes if there is none. The
// error is errRefused, or says why there cannot be a room.
func (r *Rooms) join(name string, u *user, p BridgeProfile) (first bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.rooms[name]
	if !ok {
		b, err := r.o.Switch.NewBridge(pbx.BridgeOptions{Name: name, Creator: "ConfBridge", Class: "base", ProxyMedia: true})
		if err != nil {
			return false, err
		}
		m = &room{rooms: r, name: name, bridge: b, p: p.clone()}
	}
	u.room = m
	if err := m.admit(u); err != nil {
		return false, err
	}
	r.rooms[name] = m
	if !ok {
		m.startRecording()
	}
	return !ok, nil
}

// leave takes u out of its room. The last one ends it.
func (r *Rooms) leave(u *user) (last bool) {
	r.mu.Lock()
	m := u.room
	last = m.dismiss(u)
	if last {
		delete(r.rooms, m.name)
	}
	r.mu.Unlock()
	if last {
		m.end()
	}
	return last
}
