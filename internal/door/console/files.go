package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// files are those of the console, by their paths.
type files struct{ all map[string]*file }

// file is what one path answers. It never changes while the server runs.
type file struct {
	body    []byte
	kind    string // content type
	etag    string // without the quotes
	forever bool   // its name has a digest of the content: another content has another name
	zip     func() []byte
}

// kinds are the content types of what the console has; those of this machine may differ.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".json": "application/json", ".webmanifest": "application/manifest+json",
	".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".wasm": "application/wasm",
	".wav": "audio/wav", ".mp3": "audio/mpeg", ".txt": "text/plain; charset=utf-8",
}

// loadFiles reads all files; index.html must be there.
func loadFiles(from fs.FS) (*files, error) {
	l := &files{all: map[string]*file{}}
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(from, name)
		l.all[appPath+name] = newFile(name, body, strings.HasPrefix(appPath+name, assetsPath))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("files of the console: %w", err)
	}
	index := l.all[appPath+"index.html"]
	if index == nil {
		return nil, fmt.Errorf("files of the console: index.html: %w", fs.ErrNotExist)
	}
	l.all[appPath] = index
	return l, nil
}

// find gives the file of a path, nil if there is none.
func (l *files) find(path string) *file { return l.all[path] }

func newFile(name string, body []byte, forever bool) *file {
	kind := kinds[path.Ext(name)]
	if kind == "" {
		kind = mime.TypeByExtension(path.Ext(name))
	}
	if kind == "" {
		kind = "application/octet-stream"
	}
	sum := sha256.Sum256(body)
	return &file{body: body, kind: kind, etag: hex.EncodeToString(sum[:16]), forever: forever, zip: sync.OnceValue(func() []byte { return compress(kind, body) })}
}

// compress gives a file as gzip, nil if that is not shorter.
func compress(kind string, body []byte) []byte {
	if strings.HasPrefix(kind, "font/") || strings.HasPrefix(kind, "audio/") || kind == "image/png" {
		return nil
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one of its own
	_, _ = z.Write(body)                                  // a buffer takes all
	_ = z.Close()
	if b.Len() >= len(body) {
		return nil
	}
	return b.Bytes()
}

// serve answers with the file. What has no digest in its name browsers ask for each time: a
// server that was upgraded must not meet the page of its predecessor.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	if f.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Add("Vary", "Accept-Encoding")
	body, etag := f.body, f.etag
	if acceptsGzip(r.Header.Values("Accept-Encoding")) && r.Header.Get("Range") == "" {
		if z := f.zip(); z != nil {
			body, etag = z, f.etag+"-gzip"
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads Accept-Encoding: "gzip, br;q=0.5", "*;q=0".
func acceptsGzip(values []string) bool {
	all, named, known := false, false, false
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			name, params, _ := strings.Cut(part, ";")
			good := weight(params)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "gzip", "x-gzip":
				named, known = good, true
			case "*":
				all = good
			}
		}
	}
	if known {
		return named
	}
	return all
}

// weight says whether q is not 0.
func weight(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		name, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			return strings.Trim(strings.TrimSpace(v), "0.") != ""
		}
	}
	return true
}
