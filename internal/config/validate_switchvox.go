package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
)

// ivrVariable is what a variable of an IVR is called (spec: switchvox 6.3).
var ivrVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

func (v *validator) switchvox() {
	o := v.c.Switchvox
	v.realm("switchvox.realm", o.Realm)
	if len(o.Schemes) == 0 {
		v.bad("switchvox.auth_schemes", "is empty, so nobody could log in; write [\"digest\", \"basic\"]")
	}
	for i, s := range o.Schemes {
		at := fmt.Sprintf("switchvox.auth_schemes[%d]", i)
		v.oneOf(at, s, "digest", "basic")
		if slices.Contains(o.Schemes[:i], s) {
			v.bad(at, "%q is there twice", s)
		}
	}
	v.between("switchvox.nonce_life", o.NonceLife, time.Second, 30*24*time.Hour)
	if o.Tenant != "" {
		v.switchvoxTenant(strings.ToLower(o.Tenant))
	}
	v.within("switchvox.min_extension", o.MinExtension, 1, 32)
	v.within("switchvox.max_extension", o.MaxExtension, 1, 32)
	if o.MaxExtension < o.MinExtension {
		v.bad("switchvox.max_extension", "%d is less than min_extension, %d", o.MaxExtension, o.MinExtension)
	}
	v.siteOrigins("switchvox.allowed_origins", o.AllowedOrigins)
	v.networks("switchvox.networks", o.Networks)
	v.networks("switchvox.trusted_proxies", o.TrustedProxies)
	v.within("switchvox.pending", o.Pending, 1, 1<<20)
	v.switchvoxVariables(o.Variables)
	for i, name := range o.PassVariables {
		if name != "*" && !ivrVariable.MatchString(name) {
			v.bad(fmt.Sprintf("switchvox.pass_variables[%d]", i), "cannot be a variable; use letters, digits and _, at most 64, or \"*\" for all")
		}
	}
	if o.Version == "" || strings.ContainsFunc(o.Version, func(r rune) bool { return r < ' ' || r > '~' }) {
		v.bad("switchvox.version", "must be one line of ASCII, as \"7.8.0.0\"")
	}
	if o.Enabled {
		v.plainPasswords("switchvox.allow_plain_http", o.AllowPlainHTTP)
		v.noHTTP("switchvox.enabled")
		v.digests()
	}
}

// switchvoxTenant checks that there is such a tenant. Users of the store may have it too, so
// that one without a user is no mistake.
func (v *validator) switchvoxTenant(name string) {
	if !directory.ValidTenant(name) {
		v.bad("switchvox.tenant", "%q cannot be a tenant; write its domain, \"tenant.com\"", v.c.Switchvox.Tenant)
		return
	}
	for key := range v.c.Tenants {
		if strings.EqualFold(key, name) {
			return
		}
	}
	for key := range v.c.Users {
		if n, ok := directory.ParseName(key); ok && n.Tenant == name {
			return
		}
	}
	v.warn("switchvox.tenant", "there is no tenant %q in the configuration", v.c.Switchvox.Tenant)
}

// switchvoxVariables checks names and numbers, of which each stands for one variable.
func (v *validator) switchvoxVariables(variables map[string]int) {
	names := map[int]string{}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		at, id := "switchvox.variables."+name, variables[name]
		if !ivrVariable.MatchString(name) {
			v.bad(at, "cannot be a variable; use letters, digits and _, at most 64")
		}
		if id < 1 || id > 1<<31-1 {
			v.bad(at, "%d is not a number from 1 to %d", id, 1<<31-1)
		} else if other, taken := names[id]; taken {
			v.bad(at, "%d is the number of %s too", id, other)
		}
		names[id] = name
	}
}

// digests warns of digests that no login can use.
func (v *validator) digests() {
	if slices.Contains(v.c.Switchvox.Schemes, "digest") {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(v.c.Users)) {
		if v.c.Users[key].Digest != "" {
			v.warn("users."+key+".digest", "is of no use: switchvox.auth_schemes has no \"digest\"")
		}
	}
}
