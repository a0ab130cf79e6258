package app

import (
	"os"
	"path/filepath"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// confDir is where the files lie that applications of the dialplan read, "" if there
// are none.
func confDir(c *config.Config) string {
	if c.Dialplan.ConfDir == "" && c.Dialplan.File != "" {
		return filepath.Dir(c.Dialplan.File)
	}
	return c.Dialplan.ConfDir
}

// parkingExtensions are those by which parking lots are reached, in any dialplan. A
// res_parking.conf that cannot be read is a problem, and leaves the default lot.
func parkingExtensions(c *config.Config) ([]dialplan.Extra, []dialplan.Problem) {
	var problems []dialplan.Problem
	report := func(list []conf.Problem) {
		for _, p := range list {
			problems = append(problems, dialplan.Problem{Origin: p.Origin, Severity: dialplan.Warning, Text: p.Text})
		}
	}
	lots := parking.NewConfig()
	if dir := confDir(c); dir != "" {
		read, found, err := parking.Load(conf.Dir(dir))
		report(found)
		if err != nil {
			report([]conf.Problem{{Origin: conf.Origin{File: parking.FileName}, Text: err.Error() + "; its parking lots are not there"}})
		} else {
			lots = read
		}
	}
	list, found := lots.Extensions()
	report(found)
	out := make([]dialplan.Extra, 0, len(list))
	for _, x := range list {
		out = append(out, dialplan.Extra(x))
	}
	return out, problems
}

// parkingFile gives res_parking.conf for watching, none if it is not there.
func parkingFile(c *config.Config) []string {
	dir := confDir(c)
	if dir == "" {
		return nil
	}
	name := filepath.Join(dir, parking.FileName)
	if _, err := os.Stat(name); err != nil {
		return nil
	}
	return []string{name}
}
