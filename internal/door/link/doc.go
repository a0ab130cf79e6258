// Package link serves /link/…, the signed links of our own (package internal/link).
package link
