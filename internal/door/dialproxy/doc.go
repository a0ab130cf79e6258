// Package dialproxy serves AstLinux's dialproxy.php (spec: dialproxy).
package dialproxy
