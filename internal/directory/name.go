package directory

import (
	"net"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Longest parts of a name in bytes. A tenant is a host name.
const (
	maxLocal  = 64
	maxTenant = 253
)

// ParseName reads "123@TENANT.com" or "123"; ok is false for what cannot be a name. The
// tenant is put into lower case (spec: vodia 2.2).
func ParseName(s string) (n Name, ok bool) {
	local, tenant, has := strings.Cut(s, "@")
	n = Name{Local: local, Tenant: strings.ToLower(tenant)}
	if !validLocal(local) || has && !ValidTenant(n.Tenant) {
		return Name{}, false
	}
	return n, true
}

// validLocal says whether a text can be the part before the @: nothing that ends it in a
// link, a path, a header or a credential, not the * that stands for all (Mints), and no dots
// that would lead elsewhere in a path.
func validLocal(s string) bool {
	if s == "" || s == "*" || s == "." || s == ".." || len(s) > maxLocal || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune(`@:/\"'<>?&;,%`, r)
	})
}

// ValidTenant says whether a text can be the name of a tenant: a host name or an address of
// IPv4, in lower case.
func ValidTenant(s string) bool {
	if s == "" || len(s) > maxTenant || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.HasPrefix(s, "-") {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// hostName gives the name in a Host header: "PBX.example.:8443" is "pbx.example".
func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
