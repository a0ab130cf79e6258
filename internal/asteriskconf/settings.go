package asteriskconf

import (
	"path/filepath"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// asterisk reads asterisk.conf. The file that comes with Asterisk has its
// directories in a template, [directories](!): those are what it was built with,
// and count too.
func (l *loader) asterisk(file *conf.File) {
	if s := file.Section("directories"); s != nil {
		o := l.options(s, nil)
		d := &l.r.Directories
		d.Spool, d.Log, d.VarLib = o.get("astspooldir"), o.get("astlogdir"), o.get("astvarlibdir")
		d.Data = o.get("astdatadir")
		if d.Data == "" {
			d.Data = d.VarLib
		}
		d.DB = o.get("astdbdir")
		d.AGI = o.get("astagidir")
		if d.AGI == "" && d.Data != "" {
			d.AGI = filepath.Join(d.Data, "agi-bin")
		}
		if etc := o.get("astetcdir"); etc != "" && filepath.Clean(etc) != filepath.Clean(l.dir) && !s.Hidden {
			o.warn("astetcdir", "astetcdir is %s, but the files are read from %s", etc, l.dir)
		}
	}
	s := file.Section("options")
	if s == nil || s.Hidden {
		return
	}
	o := l.options(s, nil)
	l.r.SystemName = o.get("systemname")
	l.r.LiveDangerously = o.yes("live_dangerously")
	if o.yes("execincludes") {
		o.warn("execincludes", "execincludes = yes has no effect: #exec is never run")
	}
}
