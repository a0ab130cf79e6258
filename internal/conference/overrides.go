package conference

import "fmt"

// Key is under which the register of a machine is kept, and the Overrides of a
// channel.
const Key = "conference"

// Overrides are the profiles that CONFBRIDGE() makes for one channel; nil is
// one that it has not touched.
type Overrides struct {
	Bridge *BridgeProfile
	User   *UserProfile
	Menu   *Menu
}

// keeper is where a channel's Overrides live. Implemented by run.Exec.
type keeper interface {
	Value(key string, make func() any) any
}

// OverridesOf gives the overrides of a channel, made when asked for the first
// time. They are for the goroutine that runs its dialplan.
func OverridesOf(k keeper) *Overrides {
	return k.Value(Key, func() any { return new(Overrides) }).(*Overrides)
}

// RoomsOf gives the register that a machine keeps, nil as long as nobody has
// entered a conference.
func RoomsOf(k keeper) *Rooms {
	r, _ := k.Value(Key, nil).(*Rooms)
	return r
}

// Set does what CONFBRIDGE(kind,option)=value does: kind is bridge, user or menu;
// the option "template" begins with a profile of c, "clear" forgets what was
// set (Asterisk: conf_config_parser.c func_confbridge_helper).
func (o *Overrides) Set(c *Config, kind, option, value string) error {
	switch kind {
	case "bridge":
		return o.setBridge(c, option, value)
	case "user":
		return o.setUser(c, option, value)
	case "menu":
		return o.setMenu(c, option, value)
	}
	return fmt.Errorf("CONFBRIDGE knows bridge, user and menu, not %q", kind)
}

func (o *Overrides) setBridge(c *Config, option, value string) error {
	switch option {
	case "clear":
		o.Bridge = nil
		return nil
	case "template":
		p, ok := c.Bridges[value]
		if !ok {
			return fmt.Errorf("there is no bridge profile %q", value)
		}
		p = p.clone()
		o.Bridge = &p
		return nil
	}
	if o.Bridge == nil {
		p := c.Bridges[DefaultBridgeName].clone()
		o.Bridge = &p
	}
	return o.Bridge.Set(option, value)
}

func (o *Overrides) setUser(c *Config, option, value string) error {
	switch option {
	case "clear":
		o.User = nil
		return nil
	case "template":
		p, ok := c.Users[value]
		if !ok {
			return fmt.Errorf("there is no user profile %q", value)
		}
		o.User = &p
		return nil
	}
	if o.User == nil {
		p := c.Users[DefaultUserName]
		o.User = &p
	}
	return o.User.Set(option, value)
}

func (o *Overrides) setMenu(c *Config, option, value string) error {
	switch option {
	case "clear":
		o.Menu = nil
		return nil
	case "template":
		m, ok := c.Menus[value]
		if !ok {
			return fmt.Errorf("there is no menu %q", value)
		}
		o.Menu = &m
		return nil
	}
	if o.Menu == nil {
		m := c.Menus[DefaultMenuName]
		o.Menu = &m
	}
	return o.Menu.Set(option, value)
}
