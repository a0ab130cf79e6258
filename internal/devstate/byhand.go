package devstate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

// Database is what the table needs of AstDB; the store implements it.
type Database interface {
	DBGet(ctx context.Context, family, key string) (value string, ok bool, err error)
	DBPut(ctx context.Context, family, key, value string) error
	DBDel(ctx context.Context, family, key string) (existed bool, err error)
	DBTree(ctx context.Context, prefix string, each func(path, value string)) error
}

// Refusals of Set and Delete.
var (
	ErrUncontrolled = errors.New("the state of this device cannot be set") // spec: ari 4 deviceStates, 409
	ErrNoName       = errors.New("the device has no name")
)

// hand is one kind of device that is set by hand, and the family in AstDB where
// its states are kept as "family/name".
type hand struct{ prefix, family string }

var (
	custom = hand{"Custom:", "CustomDevstate"}    // Asterisk: func_devstate.c
	stasis = hand{"Stasis:", "StasisDeviceState"} // Asterisk: res_stasis_device_state.c
)

const readTimeout = 2 * time.Second // of a state that is asked for without a context

// handmade takes the prefix off the name of a device set by hand.
func handmade(device string) (h hand, name string, ok bool) {
	for _, h := range [...]hand{custom, stasis} {
		if n := len(h.prefix); len(device) >= n && strings.EqualFold(device[:n], h.prefix) {
			return h, device[n:], true
		}
	}
	return hand{}, "", false
}

// load reads all states that were set by hand.
func (t *Table) load(ctx context.Context) (map[string]pbx.DeviceState, error) {
	out := map[string]pbx.DeviceState{}
	if t.db == nil {
		return out, nil
	}
	for _, h := range [...]hand{custom, stasis} {
		err := t.db.DBTree(ctx, h.family, func(path, value string) {
			if name, ok := strings.CutPrefix(path, h.family+"/"); ok {
				out[h.prefix+name], _ = Parse(value)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("read device states: %w", err)
		}
	}
	return out, nil
}

// handState reads AstDB, where others may have written (DB(CustomDevstate/x)).
func (t *Table) handState(h hand, device string) pbx.DeviceState {
	name := device[len(h.prefix):]
	t.mu.Lock()
	kept, ok := t.byHand[h.prefix+name]
	base := t.base
	t.mu.Unlock()
	if !ok {
		kept = pbx.DeviceUnknown
	}
	if t.db == nil {
		return kept
	}
	ctx, cancel := context.WithTimeout(base, readTimeout)
	defer cancel()
	v, _, err := t.db.DBGet(ctx, h.family, name)
	if err != nil {
		t.log.Warn("device state not read", "device", device, "err", err)
		return kept
	}
	s, _ := Parse(v)
	return s
}

// List gives the Stasis: devices, by name; never nil (spec: ari 4 deviceStates;
// observed: Asterisk 22.10, spec vectors 19).
func (t *Table) List() []pbx.DeviceSnapshot {
	t.mu.Lock()
	out := []pbx.DeviceSnapshot{}
	for name, s := range t.byHand {
		if strings.HasPrefix(name, stasis.prefix) {
			out = append(out, pbx.DeviceSnapshot{Name: name, State: s})
		}
	}
	t.mu.Unlock()
	slices.SortFunc(out, func(a, b pbx.DeviceSnapshot) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Set sets the state of a Stasis: device. Errors: ErrUncontrolled for any other
// device, ErrNoName, those of the database.
func (t *Table) Set(ctx context.Context, device string, s pbx.DeviceState) error {
	h, name, ok := handmade(device)
	if !ok || h != stasis {
		return fmt.Errorf("%s: %w", device, ErrUncontrolled)
	}
	return t.set(ctx, h, name, s)
}

// SetCustom sets the state of a Custom: device, given with or without that
// prefix: DEVICE_STATE(Custom:lamp)=INUSE. Errors: ErrNoName, those of the
// database.
func (t *Table) SetCustom(ctx context.Context, device string, s pbx.DeviceState) error {
	if h, name, ok := handmade(device); ok && h == custom {
		device = name
	}
	return t.set(ctx, custom, device, s)
}

func (t *Table) set(ctx context.Context, h hand, name string, s pbx.DeviceState) error {
	if name == "" {
		return ErrNoName
	}
	t.setting.Lock()
	defer t.setting.Unlock()
	if t.db != nil {
		if err := t.db.DBPut(ctx, h.family, name, string(s)); err != nil {
			return fmt.Errorf("keep the state of %s%s: %w", h.prefix, name, err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byHand[h.prefix+name] = s
	t.queue.push(notice{about: h.prefix + name, device: h.prefix + name, state: s})
	return nil
}

// Delete forgets a Stasis: device, which is UNKNOWN from then on; one that is
// not there is no error. Errors: as Set.
func (t *Table) Delete(ctx context.Context, device string) error {
	h, name, ok := handmade(device)
	switch {
	case !ok || h != stasis:
		return fmt.Errorf("%s: %w", device, ErrUncontrolled)
	case name == "":
		return ErrNoName
	}
	t.setting.Lock()
	defer t.setting.Unlock()
	if t.db != nil {
		if _, err := t.db.DBDel(ctx, h.family, name); err != nil {
			return fmt.Errorf("forget %s: %w", device, err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, there := t.byHand[h.prefix+name]; there {
		delete(t.byHand, h.prefix+name)
		t.queue.push(notice{about: h.prefix + name, device: h.prefix + name, state: pbx.DeviceUnknown, gone: true})
	}
	return nil
}
