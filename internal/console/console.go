// Package console holds the built files of the web console.
//
// The sources are in web/ (Svelte, TypeScript, Vite); `npm run build` there writes dist/, which
// is committed, so that building the server needs no Node. scripts/check builds it again and
// fails if a file differs. The console is an application on one page over the REST API and the
// event stream that customers use too; internal/door/console serves it.
//
//	web/src/lib         the API, the session, the event stream, words and times
//	web/src/components  what pages share
//	web/src/pages       one file per page, each a chunk of its own, and what belongs to it
//	dist/index.html     the shell: no data, the same for everybody
//	dist/assets/        names hold a hash of the content, so they may be kept for ever
package console

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files gives the built files: index.html and assets/. They never change.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant
	}
	return files
}
