package dialproxy

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
)

// TelPage is the path of a small page that asks before it dials: a browser opens it for
// tel: links and for bookmarklets, GET ?num=NUMBER&ext=LABEL. Opening it dials nobody.
const TelPage = "/dialproxy/tel"

//go:embed tel.html
var telHTML string

//go:embed tel.js
var telScript string

// telPage serves the page. No other page may frame it, and it runs no script but ours.
func telPage(w http.ResponseWriter, r *http.Request, c *Config) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || len(c.Paths) == 0 {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Error", http.StatusMethodNotAllowed)
		return
	}
	sum := sha256.Sum256([]byte(telScript))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	q := r.URL.Query()
	t := template.Must(template.New("tel").Parse(telHTML)) // ours, and a test runs it
	_ = t.Execute(w, map[string]any{                       // a client that has gone
		"Path": c.Paths[0], "Number": q.Get("num"), "Label": q.Get("ext"), "Script": template.JS(telScript),
	})
}
