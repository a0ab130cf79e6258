package pbx

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/dialwright/dialwright/internal/call"
)

// variables are the channel variables. Reading is safe from any goroutine.
// Names are case-sensitive. A name set with the prefix _ is inherited by
// channels that this one dials, with __ by theirs too (spec: dialplan 3.4).
type variables struct {
	mu sync.RWMutex // guards m
	m  map[string]variable
}

type variable struct {
	value    string
	inherit  int // 0 not, 1 by the next channel, 2 on and on
	reported bool
}

// splitPrefix separates the inheritance prefix from a name.
func splitPrefix(name string) (string, int) {
	switch {
	case strings.HasPrefix(name, "__"):
		return name[2:], 2
	case strings.HasPrefix(name, "_"):
		return name[1:], 1
	}
	return name, 0
}

// set sets or, with a nil value, unsets.
func (v *variables) set(name, value string) (plain string) {
	plain, inherit := splitPrefix(name)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m == nil {
		v.m = make(map[string]variable)
	}
	v.m[plain] = variable{value: value, inherit: inherit, reported: v.m[plain].reported}
	return plain
}

// setAs sets a name as it is, prefix or not.
func (v *variables) setAs(name, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m == nil {
		v.m = make(map[string]variable)
	}
	x := v.m[name]
	x.value = value
	v.m[name] = x
}

// report lets reported give the variable.
func (v *variables) report(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m == nil {
		v.m = make(map[string]variable)
	}
	x := v.m[name]
	x.reported = true
	v.m[name] = x
}

// reported gives the variables that are to be shown, in the order of their
// names; nil if there is none.
func (v *variables) reported() *[]Reported {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var out []Reported
	for _, name := range slices.Sorted(maps.Keys(v.m)) {
		if x := v.m[name]; x.reported {
			out = append(out, Reported{name, x.value})
		}
	}
	if out == nil {
		return nil
	}
	return &out
}

func (v *variables) setPlain(name, value string) { v.set(name, value) }

func (v *variables) unset(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.m, name)
}

func (v *variables) get(name string) (string, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	x, ok := v.m[name]
	return x.value, ok
}

// inherited gives what a channel dialled by this one receives: the _ ones
// plain, the __ ones as they are, in the order of their names.
func (v *variables) inherited() []call.Variable {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var out []call.Variable
	for _, name := range slices.Sorted(maps.Keys(v.m)) {
		switch x := v.m[name]; x.inherit {
		case 1:
			out = append(out, call.Variable{Name: name, Value: x.value})
		case 2:
			out = append(out, call.Variable{Name: "__" + name, Value: x.value})
		}
	}
	return out
}

// all gives every variable with its prefix, in the order of their names.
func (v *variables) all() []call.Variable {
	v.mu.RLock()
	defer v.mu.RUnlock()
	out := make([]call.Variable, 0, len(v.m))
	for _, name := range slices.Sorted(maps.Keys(v.m)) {
		x := v.m[name]
		out = append(out, call.Variable{Name: "__"[:x.inherit] + name, Value: x.value})
	}
	return out
}

// SetVariable sets a variable, or writes a function that channels know
// (CALLERID(num|name|all), CONNECTEDLINE(num|name|all), CHANNEL(language),
// PJSIP_HEADER(add,Name) before Dial). Unknown functions are kept as variables
// of that name, which is what reading them then gives.
func (c *Channel) SetVariable(name, value string) error {
	return c.do(func() error { c.setVariable(name, value); return nil })
}

// UnsetVariable removes a variable; ChannelVarset then says "".
func (c *Channel) UnsetVariable(name string) error {
	return c.do(func() error {
		plain, _ := splitPrefix(name)
		c.vars.unset(plain)
		c.emit(Event{Type: ChannelVarset, Variable: name})
		c.refreshReported() // after the event (observed: Asterisk 22.10, vector 17)
		c.refreshManaged(plain)
		return nil
	})
}

// SetReported is SetVariable and ReportVariable at once: the variable's own
// ChannelVarset shows it already (spec: ari 8.1, report_events).
func (c *Channel) SetReported(name, value string) error {
	return c.do(func() error {
		if !strings.HasSuffix(name, ")") {
			plain, _ := splitPrefix(name)
			c.vars.report(plain)
		}
		c.setVariable(name, value)
		return nil
	})
}

// ReportVariable makes a variable appear in every later snapshot of the
// channel (spec: ari 8.1, report_events).
func (c *Channel) ReportVariable(name string) error {
	return c.do(func() error {
		plain, _ := splitPrefix(name)
		c.vars.report(plain)
		c.refreshReported()
		return nil
	})
}

// ShowVariables makes variables appear in the snapshots of all channels from the
// moment in which they are set (Asterisk: channelvars of ari.conf). It replaces the
// names given before.
func (s *Switch) ShowVariables(names []string) {
	names = slices.Clone(names)
	s.shown.Store(&names)
}

// ShowToManagers makes variables appear in Snapshot.ManagerVars from the moment in which
// they are set (Asterisk: channelvars of manager.conf). It replaces the names given before.
func (s *Switch) ShowToManagers(names []string) {
	names = slices.Clone(names)
	s.managed.Store(&names)
}

// shows says whether a variable is one of ShowVariables.
func (s *Switch) shows(name string) bool {
	names := s.shown.Load()
	return names != nil && slices.Contains(*names, name)
}

// refreshManaged puts a variable into the snapshot if it is one of ShowToManagers.
func (c *Channel) refreshManaged(name string) {
	names := c.sw.managed.Load()
	if names == nil || !slices.Contains(*names, name) {
		return
	}
	value, set := c.vars.get(name)
	out := slices.DeleteFunc(slices.Clone(c.Snapshot().ManagerVars), func(r Reported) bool { return r.Name == name })
	if set {
		out = append(out, Reported{name, value})
	}
	c.update(func(s *Snapshot) { s.ManagerVars = out })
}

func (c *Channel) setVariable(name, value string) {
	if strings.HasSuffix(name, ")") && c.writeFunction(name, value) {
		return
	}
	plain := c.vars.set(name, value)
	if c.sw.shows(plain) {
		c.vars.report(plain)
	}
	c.vars.mu.RLock()
	reported := c.vars.m[plain].reported
	c.vars.mu.RUnlock()
	if reported {
		c.refreshReported()
	}
	c.refreshManaged(plain)
	if strings.HasPrefix(plain, "DIALWRIGHT_") {
		return // the server's own bookkeeping is no news
	}
	// With its prefix (observed: Asterisk 22.10, vector 17).
	c.emit(Event{Type: ChannelVarset, Variable: name, Value: value})
}

// refreshReported puts the reported variables into the snapshot.
func (c *Channel) refreshReported() {
	var out []Reported
	if v := c.vars.reported(); v != nil {
		out = *v
	}
	c.update(func(s *Snapshot) { s.Variables = out })
}

// Variable reads a variable or a function, false if it is unset. It works
// until the channel is destroyed, and after.
func (c *Channel) Variable(name string) (string, bool) {
	if strings.HasSuffix(name, ")") {
		if v, ok := c.readFunction(name); ok {
			return v, true
		}
	}
	return c.vars.get(name)
}

// Variables gives every variable with its inheritance prefix, in the order of
// their names.
func (c *Channel) Variables() []call.Variable { return c.vars.all() }

// writeFunction writes a function of the channel itself; false = not one of ours.
func (c *Channel) writeFunction(name, value string) bool {
	f, arg, _ := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	sn := c.snap.Load()
	switch strings.ToUpper(f) {
	case "CALLERID":
		id, ok := withPart(sn.Caller, arg, value)
		if ok {
			c.setCallerID(id)
		}
		return ok
	case "CONNECTEDLINE":
		id, ok := withPart(sn.Connected, arg, value)
		if ok {
			c.setConnected(id)
		}
		return ok
	case "CHANNEL":
		if strings.EqualFold(arg, "language") {
			c.update(func(s *Snapshot) { s.Language = value })
			return true
		}
	case "PJSIP_HEADER":
		op, header, ok := strings.Cut(arg, ",")
		if ok && strings.EqualFold(op, "add") {
			c.headers = append(slices.Clone(c.headers), Header{Name: header, Value: value})
			return true
		}
	}
	return false
}

// readFunction reads a function of the channel itself (spec: ari 8.1).
func (c *Channel) readFunction(name string) (string, bool) {
	f, arg, _ := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	sn := c.snap.Load()
	switch strings.ToUpper(f) {
	case "CALLERID":
		return part(sn.Caller, arg)
	case "CONNECTEDLINE":
		return part(sn.Connected, arg)
	case "CHANNEL":
		switch strings.ToLower(arg) {
		case "name":
			return sn.Name, true
		case "state":
			return sn.State.String(), true
		case "uniqueid":
			return sn.ID, true
		case "linkedid":
			return sn.LinkedID, true
		case "language":
			return sn.Language, true
		case "channeltype":
			return sn.Technology, true
		case "audionativeformat", "audioreadformat", "audiowriteformat":
			if c.port != nil {
				if f, ok := c.port.Format(); ok {
					return f.Codec, true
				}
			}
			return "", true
		}
	case "PJSIP_HEADER", "SIP_HEADER":
		_, header, ok := strings.Cut(arg, ",")
		if !ok {
			header = arg
		}
		v := c.leg.Header(header)
		return v, v != ""
	}
	return "", false
}

func part(id call.CallerID, arg string) (string, bool) {
	switch strings.ToLower(arg) {
	case "num", "number":
		return id.Number, true
	case "name":
		return id.Name, true
	case "all":
		return `"` + id.Name + `" <` + id.Number + `>`, true
	}
	return "", false
}

func withPart(id call.CallerID, arg, value string) (call.CallerID, bool) {
	switch strings.ToLower(arg) {
	case "num", "number":
		id.Number = value
	case "name":
		id.Name = value
	case "all":
		p := ParseCallerID(value)
		id.Name, id.Number = p.Name, p.Number
	default:
		return id, false
	}
	return id, true
}
