package vodia

import (
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/usercall"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// callObjects gives the calls of a user's phone as its clients see them, the oldest first,
// without Now; none for a user without a phone (spec: vodia 8.5).
func (d *Door) callObjects(u *directory.User) []wire.Call {
	list := d.callsOf(u.Phone)
	out := make([]wire.Call, len(list))
	for i := range list {
		out[i] = d.callObject(&list[i], u)
	}
	return out
}

// callsOf gives the calls of a phone; none of "", which for the table means all phones.
func (d *Door) callsOf(phone string) []usercall.Call {
	if phone == "" {
		return nil
	}
	return d.o.Calls.Of(phone)
}

// callObject shows a call from the side of a user. The user's own party is always the
// extension, whatever its phone shows to others. The destination of a call that this door
// has placed is the text that the client has sent: the published widget finds its call by
// comparing the two.
func (d *Door) callObject(c *usercall.Call, u *directory.User) wire.Call {
	me := wire.Party{Name: u.Display(), Number: u.Name.Local, Tenant: u.Name.Tenant}
	o := wire.Call{ID: c.ID, State: string(c.State), Start: c.Start, Connect: c.Connected, Recording: c.Recording, Extensions: []string{u.Name.Local}}
	far, inside := d.farParty(c, u)
	if inside {
		o.Extensions = append(o.Extensions, far.Number)
	}
	if c.Incoming {
		o.From, o.To = far, me
		return o
	}
	if c.Door == DoorName && c.Reference != "" {
		far.Number, far.Dialed = c.Reference, far.Number
	}
	o.From, o.To = me, far
	return o
}

// farParty is the other side of a call, and whether it is an extension of the user's tenant.
func (d *Door) farParty(c *usercall.Call, u *directory.User) (p wire.Party, inside bool) {
	id := c.To
	if c.Incoming {
		id = c.From
	}
	p = party(id, u.Name.Tenant)
	other, inside := d.o.Users.User(directory.Name{Local: id.Number, Tenant: u.Name.Tenant})
	p.Outside = !inside
	if inside && p.Name == "" {
		p.Name = other.Display()
	}
	return p, inside
}

func party(id call.CallerID, tenant string) wire.Party {
	return wire.Party{Name: wire.CleanName(id.Name), Number: id.Number, Tenant: tenant}
}
