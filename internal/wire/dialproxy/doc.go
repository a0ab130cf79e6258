// Package dialproxy is the grammar of AstLinux's dialproxy.php: how numbers are made
// dialable, and what an entry of the actionlist says (spec: dialproxy 5, 6).
package dialproxy
