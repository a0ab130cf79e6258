package vodia

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// The paths of what browsers load from this door.
const (
	scriptPath  = "/js/callback.js"        // the <pbxcall> element, classic script (spec: vodia 9)
	modulePath  = "/js/callback.mjs"       // the same as an ES module
	elementPath = "/js/dialwright-call.js" // the <dialwright-call> element; classic, and as it exports nothing also a module
	demoPath    = "/click-to-dial"         // a page that shows both
	demoFiles   = demoPath + "/page."      // + "js", "css"
)

//go:embed web
var webFiles embed.FS

// staticFile is what one path answers. It never changes while the server runs.
type staticFile struct {
	body        []byte
	contentType string
	etag        string
	open        bool // pages of other sites may load it
}

// staticFiles are made of the embedded files once. The parts of a script share one scope:
// the classic builds put it into a function, so that a page gets no globals, the module is
// one anyway. So there is one source of each thing, and building needs no tool but Go.
var staticFiles = sync.OnceValue(func() map[string]*staticFile {
	part := func(name string) string {
		b, err := webFiles.ReadFile("web/" + name)
		if err != nil {
			panic(err) // it is embedded
		}
		return bare(string(b))
	}
	classic := func(parts ...string) string {
		return "(() => {\n\"use strict\";\n" + strings.Join(parts, "\n") + "})();\n"
	}
	const javaScript = "text/javascript; charset=utf-8"
	files := map[string]*staticFile{}
	add := func(path, contentType, body string, open bool) {
		sum := sha256.Sum256([]byte(body))
		files[path] = &staticFile{body: []byte(body), contentType: contentType, etag: `"` + hex.EncodeToString(sum[:16]) + `"`, open: open}
	}
	line, pbxcall, element := part("line.js"), part("pbxcall.js"), part("element.js")
	add(scriptPath, javaScript, classic(line, pbxcall), true)
	add(modulePath, javaScript, line+"\n"+pbxcall+"\nexport { attach };\n", true)
	add(elementPath, javaScript, classic(line, element), true)
	add(demoFiles+"js", javaScript, part("page.js"), false)
	add(demoFiles+"css", "text/css; charset=utf-8", part("page.css"), false)
	return files
})

// comment is a line of a script that holds nothing else.
var comment = regexp.MustCompile(`(?m)^ *//.*\n`)

// bare leaves out the comments of a file: browsers load the scripts with each page of a
// site.
func bare(text string) string { return comment.ReplaceAllString(text, "") }

var demoPage = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(webFiles, "web/page.html"))
})

// isStatic says whether serveWeb answers a path.
func isStatic(path string) bool { return path == demoPath || staticFiles()[path] != nil }

// serveWeb answers the paths of scripts and of the demonstration page, which demo serves, and
// says whether the request was for one of them. Nothing of it places a call.
func serveWeb(w http.ResponseWriter, r *http.Request, demo http.HandlerFunc) bool {
	if !isStatic(r.URL.Path) {
		return false
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return true
	}
	if f := staticFiles()[r.URL.Path]; f != nil {
		f.serve(w, r)
		return true
	}
	demo(w, r)
	return true
}

// serve answers with the file. Browsers ask each time whether it is still the same: a
// server that was upgraded must not meet the script of its predecessor.
func (f *staticFile) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.etag)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if f.open {
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Access-Control-Allow-Origin", "*") // modules of other sites are loaded by CORS
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
}

// hostShape is what may stand for a host in a Content-Security-Policy and in a script.
var hostShape = regexp.MustCompile(`^[A-Za-z0-9._-]+(:[0-9]+)?$|^\[[0-9A-Fa-f:.]+\](:[0-9]+)?$`)

// servePage writes the demonstration page for a user that is logged in. ?number= is put into
// its field; a click of the person's calls it. No other page may frame it.
func servePage(w http.ResponseWriter, r *http.Request, user, host string, secure bool) {
	scheme, connect := "http", "'self'"
	if secure {
		scheme = "https"
	}
	if !hostShape.MatchString(host) {
		http.Error(w, "bad Host", http.StatusBadRequest)
		return
	}
	if secure {
		connect += fmt.Sprintf(" https://%s wss://%s", host, host)
	} else {
		connect += fmt.Sprintf(" http://%s ws://%s https://%s wss://%s", host, host, host, host)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src "+connect+
		"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	origin := scheme + "://" + host
	_ = demoPage().Execute(w, map[string]any{ // a client that has gone
		"User": user, "Number": number(r.URL.Query()), "Origin": origin, "Logout": logoutPath,
		"Bookmarklet": template.URL("javascript:void(open('" + origin + demoPath + "?number='+encodeURIComponent(getSelection().toString())))"),
	})
}

// number is the one that the page is opened with.
func number(q url.Values) string {
	n := strings.TrimSpace(q.Get("number"))
	if len(n) > 64 {
		return ""
	}
	return n
}
