package directory

// User gives a user.
func (d *Directory) User(n Name) (User, bool) {
	if r := d.current.Load().users[n]; r != nil {
		return r.User, true
	}
	return User{}, false
}

// Written gives a user as its source has it: Phone and Account are empty where the
// configuration decides, and Phone is "none" for a user without one.
func (d *Directory) Written(n Name) (User, bool) {
	u, ok := d.current.Load().written[n]
	return u, ok
}

// Users gives all users, in the order of tenant and name. The list must not be changed.
func (d *Directory) Users() []User { return d.current.Load().list }

// Tenants gives all tenants' names, in order: those configured and those of users. The list
// must not be changed.
func (d *Directory) Tenants() []string { return d.current.Load().tenants }

// ByID gives the user of a tenant ("" = of none) with a Switchvox account_id.
func (d *Directory) ByID(tenant, id string) (User, bool) {
	s := d.current.Load()
	n, ok := s.ids[tenantID{tenant, id}]
	if !ok {
		return User{}, false
	}
	return s.users[n].User, true
}

// Resolve finds out whom a name means that somebody has typed (spec: vodia 2.3): with a
// tenant, or another name of one, that user. Without one, in this order: who is logged in,
// if its local part is the same; the user without a tenant; the only tenant's; the tenant
// that host (a Host header, the port does not matter) names; an administrator's own name,
// if only one has it. A system without tenants takes any tenant for its own. ok says that
// there is such a user; it may be disabled.
func (d *Directory) Resolve(typed, host string, as *User) (u User, ok bool) {
	n, ok := ParseName(typed)
	if !ok {
		return User{}, false
	}
	s := d.current.Load()
	for _, c := range s.candidates(n, hostName(host), as) {
		if r := s.users[c]; r != nil {
			return r.User, true
		}
	}
	return User{}, false
}

// Meant gives the name that a typed one stands for, as Resolve reads it, whether or not there
// is such a user: for all spellings of a name the same. The zero Name = it cannot be a name.
func (d *Directory) Meant(typed, host string) Name {
	n, ok := ParseName(typed)
	if !ok {
		return Name{}
	}
	if u, ok := d.Resolve(typed, host, nil); ok {
		return u.Name
	}
	list := d.current.Load().candidates(n, hostName(host), nil)
	for _, c := range list {
		if c.Tenant != "" {
			return c
		}
	}
	if len(list) > 0 {
		return list[0]
	}
	return n
}

// candidates lists whom a name may mean, the likeliest first.
func (s *snapshot) candidates(n Name, host string, as *User) []Name {
	if n.Tenant != "" {
		switch tenant, known := s.hosts[n.Tenant]; {
		case known:
			return []Name{{n.Local, tenant}}
		case len(s.tenants) == 0:
			return []Name{{n.Local, ""}}
		}
		return nil
	}
	var out []Name
	if as != nil && as.Name.Local == n.Local {
		out = append(out, as.Name)
	}
	out = append(out, n)
	if len(s.tenants) == 1 {
		out = append(out, Name{n.Local, s.tenants[0]})
	}
	if tenant, known := s.hosts[host]; known {
		out = append(out, Name{n.Local, tenant})
	}
	if admins := s.admins[n.Local]; len(admins) == 1 {
		out = append(out, admins[0])
	}
	return out
}
