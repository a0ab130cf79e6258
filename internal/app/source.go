package app

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/dialwright/dialwright/internal/asteriskconf"
	"github.com/dialwright/dialwright/internal/config"
)

// Source says where the configuration is.
type Source struct {
	Path        string // configuration file; "" = the defaults
	AsteriskDir string // configuration directory of an Asterisk that is taken over, "" = none; what Path says wins
}

// Load reads the configuration. The warnings include what of an Asterisk's files
// could not be taken over.
func (s Source) Load() (config.Loaded, error) {
	if s.AsteriskDir == "" {
		return config.Load(s.Path)
	}
	from, problems, err := asteriskconf.Load(s.AsteriskDir)
	if err != nil {
		return config.Loaded{}, err
	}
	l, err := config.Load(s.Path, from.Merge, func(c *config.Config) map[string]config.Place {
		// The spool folder is an Asterisk's way in: it is served like the rest.
		if spool := from.Directories.Spool; spool != "" {
			c.Callfile.Dir = cmp.Or(c.Callfile.Dir, filepath.Join(spool, "outgoing"))
		}
		return nil
	})
	if err != nil {
		return l, err
	}
	l.Files = append(l.Files, from.Files...)
	for _, p := range problems {
		l.Warnings = append(l.Warnings, config.Mistake{File: filepath.Join(s.AsteriskDir, p.File), Line: p.Line, Text: p.Text})
	}
	public := func(t config.Trunk) bool { return !t.Private }
	if l.Config.Numbers.Country == "" && slices.ContainsFunc(slices.Collect(maps.Values(l.Config.Trunks)), public) {
		l.Warnings = append(l.Warnings, config.Mistake{
			File: s.AsteriskDir, Key: "numbers.country",
			Text: "is not set: nobody knows what a number by a trunk costs, and none is dialled unless the account's allow names it or the trunk is private",
		})
	}
	return l, nil
}

// String names both places, for messages.
func (s Source) String() string {
	switch {
	case s.AsteriskDir == "":
		return s.Path
	case s.Path == "":
		return s.AsteriskDir
	}
	return fmt.Sprintf("%s and %s", s.Path, s.AsteriskDir)
}
